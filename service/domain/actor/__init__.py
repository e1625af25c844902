"""Actors whose names the record registers: organisations, former states and states. Streams: `actor/<slug>`."""
