"""Check the triggers that protect the record: they must exist, be enabled ALWAYS, and be as the migrations made them.

It is not enough that a trigger is enabled. A superuser can give it a condition that is never true, or a function that
does nothing. So its definition and its function are compared with those of the migrations.
"""

from typing import Final

from sqlalchemy import Connection, column, func, select, table, true

_FUNCTION: Final = "refuse_to_rewrite_history"
"""The function that all four triggers call."""
_BODY: Final = """
BEGIN
  RAISE EXCEPTION '% of % is refused: what was recorded stays on record', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', HINT = 'File a correction or a retraction.';
END
"""
_NOT_FORWARD: Final = (
    'new."position" < old."position" OR new.keys_version < old.keys_version OR new.recorded_at < old.recorded_at'
    ' OR new."position" = old."position"'
    " AND (new.chain_hash <> old.chain_hash OR new.recorded_at <> old.recorded_at)"
    ' OR new.record <> old.record AND old."position" > 0'
)
"""When an update of the head is refused.

Its position, time or `keys_version` goes back, its chain hash or time changes at the same position, or the id of the
record changes after the first event.
"""
_TRIGGERS: Final = {
    ("protect_events", "events"): "BEFORE DELETE OR UPDATE OR TRUNCATE ON events FOR EACH STATEMENT",
    ("protect_reports", "reports"): "BEFORE DELETE OR UPDATE OR TRUNCATE ON reports FOR EACH STATEMENT",
    ("protect_head", "head"): "BEFORE DELETE OR TRUNCATE ON head FOR EACH STATEMENT",
    ("head_only_moves_forward", "head"): f"BEFORE UPDATE ON head FOR EACH ROW WHEN ({_NOT_FORWARD})",
}
"""The definition that PostgreSQL 15 to 18 prints for each trigger, between its name and its function."""
_pg_trigger = table(
    "pg_trigger", column("oid"), column("tgname"), column("tgrelid"), column("tgenabled"), column("tgfoid")
)
_pg_class = table("pg_class", column("oid"), column("relname"))
_pg_proc = table("pg_proc", column("oid"), column("prosrc"))


def find_fault(connection: Connection) -> str | None:
    """Return a sentence about the first trigger that is missing or was changed. None if all are right."""
    triggers = (
        select(
            _pg_trigger.c.tgname,
            _pg_class.c.relname,
            _pg_trigger.c.tgenabled,
            func.pg_get_triggerdef(_pg_trigger.c.oid, true()),
            _pg_proc.c.prosrc,
        )
        .join(_pg_class, _pg_class.c.oid == _pg_trigger.c.tgrelid)
        .join(_pg_proc, _pg_proc.c.oid == _pg_trigger.c.tgfoid)
        .where(_pg_trigger.c.tgname.in_([name for name, _ in _TRIGGERS]), func.pg_table_is_visible(_pg_class.c.oid))
    )
    found = {(name, on): properties for name, on, *properties in connection.execute(triggers)}
    for (name, on), expected in _TRIGGERS.items():
        fault = _fault(f"CREATE TRIGGER {name} {expected} EXECUTE FUNCTION {_FUNCTION}()", found.get((name, on)))
        if fault is not None:
            return f"the trigger {name}, which protects {on}, {fault}"
    return None


def _fault(expected: str, found: list[str] | None) -> str | None:
    """Return the end of the sentence about a fault. `found`: state of activation, definition, body of the function."""
    if found is None:
        return "is missing"
    enabled, definition, body = found
    if enabled != "A":
        # A restore can enable them only for ordinary sessions (O). Then they do not run with
        # session_replication_role = replica.
        return "is not enabled ALWAYS"
    if _normalised(definition) != expected:
        return f"was changed to: {_normalised(definition)}"
    if _normalised(body) != _normalised(_BODY):
        return f"is enabled, but its function {_FUNCTION} was changed"
    return None


def _normalised(text: str) -> str:
    return " ".join(text.split())
