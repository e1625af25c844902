"""Rounds: meetings of the delegations. Streams are named like `round/ru-us/istanbul-april`."""
