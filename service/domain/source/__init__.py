"""A source: a document that assertions are read from, and the utterances (origins) behind it. Stream `source/<slug>`."""
