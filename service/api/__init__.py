"""The record over HTTP: how the domain's words become requests, answers and problems, and nothing of the domain itself.

Outermost first: `telemetry` (an id for each request, what is counted and logged, what failed) → `auth` (who asks) →
`read_routes.Shortcut` (routes that were found before) → FastAPI. What is read is a table (`table`) of rows
(`resources`), one file for each kind; `read_routes` makes the routes of them, and pages call the same queries in one
snapshot.
"""
