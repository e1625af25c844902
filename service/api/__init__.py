"""The HTTP interface for programs. The rules about irritants are in `service.domain`.

A request passes four layers: `telemetry` (request id, metrics, log), `auth` (API key or session),
`read_routes.Shortcut` (remembers the route of each path) and FastAPI.

* Reading: `resources/` has one file for each kind of document, and `resources/table.py` lists them all. `read_routes`
  makes a route for each, and `responder` makes the response. The web pages use the same queries.
* Writing: `reports_endpoints` has the endpoints, `reports_filing` does the work.
* Errors: `problems` has the HTTP status of each error, `problem_types` has its text.
"""
