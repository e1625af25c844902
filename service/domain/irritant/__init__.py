"""An irritant: a concrete problem between two states. Stream `irritant/<relation>/<slug>`."""
