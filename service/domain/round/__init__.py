"""A round: one meeting of the delegations. Stream `round/<relation>/<slug>`."""
