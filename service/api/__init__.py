"""The record over HTTP: how the domain's words become requests, answers and problems, and nothing of the domain itself.

Outermost first: `observed` (an id for each request, what is counted and logged, what failed) → `auth` (who asks) →
`lane` (documents as bytes, for those who poll) → FastAPI, whose routes are one file for each resource.
"""
