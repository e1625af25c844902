"""Find processes of earlier releases on a database by the names of their sessions.

Every session is named after its purpose and the vocabulary that its process reads: `irritants-head 2`. PostgreSQL shows
this `application_name` in `pg_stat_activity` to every role, and forgets it when the session ends. So the state needs no
table, and nothing remains of a process that crashed.

Releases up to 0.2.0 name no vocabulary, so their names have no number. If the address sets another `application_name`,
a session of 0.2.0 is recognised by the statement that it prepares first. PostgreSQL shows that statement only to the
same role and to members of pg_read_all_stats.

Two processes are not found: one that has no session at this moment, because it starts later or is cut off from the
database, and one of 0.2.0 whose address sets another `application_name` and that uses another role. A session of
another record in the same database is counted too, although it reads none of these events.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, text

from service.domain.catalogue import VOCABULARY
from service.domain.vocabulary import Needs


class EarlierReleaseRuns(Exception):
    """Events cannot be recorded yet: a process of an earlier release runs and could not read them.

    `needs` has the types of the refused events, `sessions` the process ids of such sessions in PostgreSQL. Nothing was
    written.
    """

    def __init__(self, needs: Needs, sessions: Sequence[int]) -> None:
        self.needs, self.sessions = needs, tuple(sessions)
        super().__init__(
            f"A process of an earlier release still runs on this database and cannot read {needs}. It has the database"
            f" sessions {', '.join(map(str, sessions))} (pid in pg_stat_activity). Stop that process"
        )


_MAX_NAME_BYTES: Final = 63
"""The length of an `application_name`. PostgreSQL cuts the rest."""

# A pooler may append the address of the client to the name.
_OLDER: Final = text(r"""
SELECT pid FROM (
  SELECT pid, application_name AS name, query,
         substring(application_name FROM '^irritants(?:-[a-z]+)? ([0-9]{1,9})(?: |$)')::int AS vocabulary
    FROM pg_stat_activity
   WHERE datname = current_database() AND pid <> pg_backend_pid()
) AS session
 WHERE CASE
         WHEN vocabulary IS NOT NULL THEN vocabulary < :number
         ELSE name ~ '^irritants(-check|-head|-lock|-standby)?( - |$)'
              OR query LIKE 'PREPARE head AS SELECT record,%'
       END
 ORDER BY pid
""")


def session_name(purpose: str, given: str | None = None) -> str:
    """Return the name of a session of this release. `given`: the name in the address of the database."""
    name = f"{purpose} {VOCABULARY}"
    return name if given is None else f"{name} {given}".encode()[:_MAX_NAME_BYTES].decode(errors="ignore")


def sessions_of_older(connection: Connection, number: int) -> tuple[int, ...]:
    """Return the sessions of processes that cannot read the vocabulary of a number, by process id in PostgreSQL.

    Takes less than a millisecond.
    """
    return tuple(connection.execute(_OLDER, {"number": number}).scalars())


def require_readers(connection: Connection, needs: Needs) -> None:
    """Refuse events that a process of an earlier release could not read. Raises EarlierReleaseRuns."""
    if needs.number > 1 and (sessions := sessions_of_older(connection, needs.number)):
        raise EarlierReleaseRuns(needs, sessions)
