"""A source: a document that assertions are read from, and the origins behind it. Stream `source/<slug>`."""
