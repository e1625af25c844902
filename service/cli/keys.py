"""`irritants key`: create, list and revoke API keys in the database. A secret is shown once and not stored."""

import re
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.text import Text

from service import settings
from service.cli import labels, options, terminal
from service.cli.commands import Command, Group
from service.cli.options import AsJson, Database
from service.cli.terminal import Exit, Failed
from service.domain.assertion import Line
from service.domain.handling import OPEN, Labels
from service.domain.streams import id_remedy, is_relation

if TYPE_CHECKING:
    from service.store.keys import Key

app = typer.Typer(cls=Group, no_args_is_help=True, help="API keys: who may read, report and administer.")


class Scope(StrEnum):
    """A permission of a key."""

    READ = "read"
    REPORT = "report"
    ADMIN = "admin"


_DAYS: Final = re.compile(r"([1-9][0-9]{0,4})d")


@app.command(
    cls=Command,
    epilog=options.examples(
        "irritants key create anna --scope report --relation ru-us --expires 90d",
        "irritants key create anna --scope report --clearance restricted",
        "export IRRITANTS_KEY=$(irritants key create me --scope report)",
    ),
)
def create(
    name: Annotated[str, typer.Argument(help="Name of the holder: the actor of every event filed with this key.")],
    *,
    scope: Annotated[
        list[Scope],
        typer.Option(
            help="Permission: read, report (includes read) or admin (includes both, and sees every event)."
            " Repeat for several."
        ),
    ],
    relation: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RELATION",
            help="Limit the key to this relation. Repeat for several. Limits reading only if reading needs a key.",
        ),
    ] = None,
    clearance: Annotated[
        str,
        typer.Option(
            metavar="LABEL",
            help="The key sees the events up to this handling label. A key with the scope admin sees every event.",
        ),
    ] = OPEN,
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Expiry: 90d, 2026-12-31 (end of that day, UTC) or 2026-12-31T12:00:00Z."),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it once. Only the key goes to standard output."""
    from service.cli.database import record
    from service.store import keys
    from service.store.audience import read_labels
    from service.store.engine import transaction

    now = datetime.now(UTC)
    until = _expiry(expires, now) if expires else None
    for limit in relation or ():
        if not is_relation(limit):
            raise Failed(f'invalid --relation "{limit}"; {id_remedy(limit, "use an id such as ru-us")}', Exit.USAGE)
    if not terminal.is_shown():
        raise Failed(f"no key was created, because it could not be shown: {terminal.UNSEEN}", Exit.UNWRITTEN)
    limits = tuple(relation) if relation else None
    with record(settings.read(database_url=database)) as engine, transaction(engine) as c:
        scopes = tuple(held for held in keys.SCOPES if held in scope)
        labels.known(Labels({label.name: label.rank for label in read_labels(c)}), clearance, "--clearance")
        key, token = keys.create(c, _name(name), scopes, now, relations=limits, expires_at=until, clearance=clearance)
        # Show the key before the commit: a key that cannot be shown must not exist.
        if as_json:
            terminal.show_json({**_document(key, now), "key": token})
        else:
            terminal.note("Store this key now. It is not shown again:")
            terminal.show_text(token)


@app.command(cls=Command)
def generate(*, as_json: AsJson = False) -> None:
    """Print a new key for IRRITANTS_INITIAL_KEY. It is not stored, and no record knows it yet."""
    from service.store.keys import new_token

    token = new_token()
    if as_json:
        terminal.show_json({"key": token})
    else:
        terminal.show_text(token)


@app.command("list", cls=Command)
def list_keys(*, database: Database = None, as_json: AsJson = False) -> None:
    """List all keys, also expired and revoked ones, without their secrets."""
    from service.cli.database import record
    from service.store import keys
    from service.store.engine import connection

    now = datetime.now(UTC)
    with record(settings.read(database_url=database)) as engine, connection(engine) as c:
        found = list(keys.read_all(c).values())
    if as_json:
        terminal.show_json({"items": [_document(key, now) for key in found]})
    elif not found:
        terminal.note("No key exists. Create one with `irritants key create NAME --scope report`.")
    else:
        columns = ("id", "name", "scopes", "relations", "clearance", "created", "expires", "state")
        terminal.show(terminal.table(*columns, rows=[_row(key, now) for key in found]))


@app.command(cls=Command)
def revoke(
    id: Annotated[str, typer.Argument(help="Id of the key, as in `key list`, or the whole key.")],
    *,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key. Every process refuses it from the next request on."""
    from service.cli.database import record
    from service.store import keys
    from service.store.engine import transaction

    if id.startswith("irr_"):  # a whole key, of which only the id may be printed
        id = id.split("_")[1]
    with record(settings.read(database_url=database)) as engine, transaction(engine) as c:
        if not keys.revoke(c, id, datetime.now(UTC)):
            raise Failed(f"no live key has the id {id}; `irritants key list` lists all keys", Exit.NOT_FOUND)
    if as_json:
        terminal.show_json({"id": id, "state": "revoked"})
    else:
        terminal.show(f"The key {id} is revoked.")


def _name(name: str) -> str:
    """Check the name of a holder, and return it. Raises Failed."""
    try:
        return TypeAdapter(Line).validate_python(name)
    except ValidationError as refused:
        raise Failed(f"the name {refused.errors()[0]['msg']}", Exit.USAGE) from None


def _expiry(expires: str, now: datetime) -> datetime:
    """Return the time at which a key expires. A date means the end of that day in UTC. Raises Failed."""
    if days := _DAYS.fullmatch(expires):
        return now + timedelta(days=int(days[1]))
    try:
        moment = datetime.fromisoformat(expires)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
            if len(expires) == len("2026-01-01"):
                moment = datetime.combine(moment, time.min, UTC) + timedelta(days=1)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the last day of the calendar has no end
        detail = f'invalid --expires "{expires}"; use 90d, 2026-12-31 or 2026-12-31T12:00:00Z'
        raise Failed(detail, Exit.USAGE) from None
    if moment <= now:
        raise Failed(f'invalid --expires "{expires}": it is in the past', Exit.USAGE)
    return moment


def _state(key: "Key", now: datetime) -> str:
    return "revoked" if key.revoked_at else "live" if key.is_live(now) else "expired"


def _sees_everything(key: "Key") -> bool:
    return "admin" in key.scopes


def _document(key: "Key", now: datetime) -> dict[str, Any]:
    """Return a key as JSON, without its secret. `relations` and `clearance` are null if there is no limit."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "relations": None if key.relations is None else list(key.relations),
        "clearance": None if _sees_everything(key) else key.clearance,
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        "state": _state(key, now),
    }


def _row(key: "Key", now: datetime) -> tuple[str | Text, ...]:
    state = _state(key, now)
    return (
        key.id,
        key.name,
        ", ".join(key.scopes),
        ", ".join(key.relations) if key.relations is not None else "all",
        "all" if _sees_everything(key) else key.clearance,
        options.to_the_minute(key.created_at, ""),
        options.to_the_minute(key.expires_at, "never"),
        Text(state, "green" if state == "live" else "dim"),
    )
