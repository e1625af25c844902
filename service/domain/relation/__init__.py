"""Relations: unordered pairs of parties, and their talks as a whole. Streams are named like `relation/ru-us`."""
