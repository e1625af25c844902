"""Sources: documents that assertions cite, and the statements (origins) that they relay. Streams: `source/<slug>`."""
