"""The HTTP interface: requests, responses and problems. The rules of the domain are elsewhere.

A request passes `telemetry` (request id, metrics, log, failures), `auth` (who asks), `read_routes.Shortcut` (cached
routes) and FastAPI. `resources.table` lists what can be read, and `resources` has one file for each kind.
`read_routes` makes a route of each row. Pages call the same queries. `reports_endpoints` has the endpoints that write.
`problems` and `problem_types` have the status and the text of every refusal.
"""
