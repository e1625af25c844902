"""`irritants label`: register and list the handling labels of the record, in the database."""

from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from service import settings
from service.cli import options, terminal
from service.cli.commands import Command, Group
from service.cli.options import AsJson, Database
from service.cli.terminal import Exit, Failed
from service.domain.assertion import Slug
from service.domain.handling import HIGHEST_RANK, Labels

app = typer.Typer(cls=Group, no_args_is_help=True, help="Handling labels: which readers may see an event.")


@app.command(
    cls=Command,
    epilog=options.examples(
        "irritants label add internal --above open",
        "irritants label add secret --above restricted",
    ),
)
def add(
    name: Annotated[str, typer.Argument(help="Name of the new label, such as internal. It cannot be changed later.")],
    *,
    above: Annotated[
        str, typer.Option(metavar="LABEL", help="The label just below: fewer readers see the new one than this one.")
    ],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Register a handling label. Every process knows it from the next request on.

    Its rank is in the middle between the label below and the next higher one.
    """
    from service.cli.database import record
    from service.read_models import variants
    from service.store import keys
    from service.store.audience import Label, read_labels
    from service.store.engine import transaction
    from service.store.log import lock_head

    _check_name(name)
    with record(settings.read(database_url=database)) as engine, transaction(engine) as c:
        lock_head(c)
        labels = Labels({label.name: label.rank for label in read_labels(c)})
        rank = _rank(name, above, labels)
        keys.add_label(c, Label(name, rank))
        # Documents of the new audience must be stored before a key can name it.
        variants.make_for_new_label(c, rank)
    if as_json:
        terminal.show_json({"name": name, "rank": rank})
    else:
        terminal.show(f"The label {name} is registered above {above}, with the rank {rank}.")


@app.command("list", cls=Command)
def list_labels(*, database: Database = None, as_json: AsJson = False) -> None:
    """List all labels, the lowest first. A reader sees the events up to the label of their clearance."""
    from service.cli.database import record
    from service.store.audience import read_labels
    from service.store.engine import connection

    with record(settings.read(database_url=database)) as engine, connection(engine) as c:
        found = read_labels(c)
    if as_json:
        terminal.show_json({"items": [{"name": label.name, "rank": label.rank} for label in found]})
    else:
        terminal.show(terminal.table("label", "rank", rows=[(label.name, str(label.rank)) for label in found]))


def known(labels: Labels, label: str, option: str) -> int:
    """Return the rank of the label that an option names. Raises Failed, with all labels."""
    rank = labels.rank_of(label)
    if rank is None:
        every = ", ".join(labels.up_to(HIGHEST_RANK))
        raise Failed(f'invalid {option} "{label}"; the labels of this record are {every}', Exit.USAGE)
    return rank


def _check_name(name: str) -> None:
    try:
        TypeAdapter(Slug).validate_python(name)
    except ValidationError:
        allowed = "lower-case letters, digits and hyphens, 80 characters at most, such as internal"
        raise Failed(f'invalid name "{name}"; use {allowed}', Exit.USAGE) from None


def _rank(name: str, above: str, labels: Labels) -> int:
    """Return the rank of a new label. Raises Failed."""
    known(labels, above, "--above")
    if labels.rank_of(name) is not None:
        raise Failed(f"the label {name} exists; `irritants label list` lists all labels")
    rank = labels.rank_above(above)
    if rank is None:
        sentence = f"no rank is left between {above} and the next higher label; choose another label with --above"
        raise Failed(sentence)
    return rank
