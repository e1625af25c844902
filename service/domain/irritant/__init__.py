"""Irritants: concrete problems between two states. Streams are named like `irritant/ru-us/visas`."""
