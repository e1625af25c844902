"""The commands `irritants serve` and `irritants openapi`. `server.py` runs the service.

The commands import the service only when they run, so that other commands start faster.
"""

from typing import Annotated, Any

import typer

from service import settings
from service.cli import terminal
from service.cli.options import AsJson, Database
from service.reportfile.schema import schema


def serve_command(
    *,
    host: Annotated[str | None, typer.Option(help="Address to serve on (IRRITANTS_HOST).", show_default=False)] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to serve on (IRRITANTS_PORT). 0 picks a free port.", show_default=False)
    ] = None,
    database: Database = None,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="Do not seed an empty record.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start the service: migrate the database, seed an empty record, and serve.

    Without --database, run an embedded database. Its first start prints an operator key, once, unless
    IRRITANTS_INITIAL_KEY sets it. IRRITANTS_SEEDS names other reports to begin with.
    """
    from service.cli.server import serve

    chosen = settings.read(host=host, port=port, database_url=database)
    serve(chosen, seeding=not no_seed, as_json=as_json)


def openapi_command(
    *,
    reports: Annotated[
        bool, typer.Option("--reports", help="Print the JSON Schema of report files instead, for editors.")
    ] = False,
    as_json: AsJson = False,  # noqa: ARG001 -- the output is JSON in any case
) -> None:
    """Print the OpenAPI document of the HTTP interface."""
    terminal.show_json(schema() if reports else _openapi_document())


def _openapi_document() -> dict[str, Any]:
    from service.api.app import create_app

    return create_app(settings.read(host="127.0.0.1", database_url="postgresql://")).openapi()
