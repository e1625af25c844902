"""A relation: an unordered pair of states, and the talks as a whole. Stream `relation/<relation>`."""
