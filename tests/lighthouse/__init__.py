"""Lighthouse on the pages of the seeded record: `make lighthouse`."""
