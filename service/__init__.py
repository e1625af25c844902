"""The record of bilateral irritants: who says what about the state of each one, and when that was known.

The rooms, from the outside in. A room imports only rooms below it. `tests/test_architecture.py` has the exact rules.
Paths are relative to `service/`, except `tests/`, `seeds/` and `migrations/`, which are beside it.

    __main__, cli           the command line
    testing                 the service for the tests of other programs: a container or a process
    client                  the Python client for other programs, without the rest of the service
    web                     pages and forms, from the same queries as `api`
    relay                   publishes each event to NATS JetStream, once and in order
    api                     HTTP for programs: routes, problems, conditional requests, feeds, OpenAPI
    recorder                the write path: read streams → decide → append → project, in one transaction
    follower                the read path: head, caches, waking of long polls, replicas
    reset                   sets the record of test mode back to its fixtures
    seeding                 fills an empty record from `seeds/`, or from fixtures
    history_cache           decoded histories, for recorder and follower
    checkpoint              signed positions of the record, and the signing key
    read_models             builds, backfills and rebuilds the stored documents
    reportfile              report files in YAML and JSON, and their schema
    readouts                paragraphs of a press release in text, HTML, Word or PDF, and what they suggest
    openings                what something new needs from its title: slugs in any script, codes of states by name
    source_positions        YAML and JSON with the line and column of each mistake
    store | projections     the only room that knows SQL | pure read models; neither imports the other
    domain                  pure rules: what can be asserted, and which state follows
    settings                the environment variables
    resources               the files and the version of the package, in a checkout and in a wheel

One report, `POST /v1/reports`:

     1. api/auth.py                 `Authentication` finds the API key or the session of the request
     2. api/reports_endpoints.py    `file_report` reads the parameters and the Idempotency-Key
     3. api/body.py                 reads the JSON body and collects its mistakes
     4. api/reports_filing.py       `file` checks the permissions of the key and queues the request
     5. recorder/batching.py        collects the requests that arrive during a commit
     6. recorder/__init__.py        `Recorder._record` reads the streams from history_cache.py and decides each request
     7. domain/filing.py            `decide` resolves references and asks the rules, such as domain/irritant/rules.py
     8. read_models/builder.py      makes the documents, with the views in projections/
     9. store/log.py                `append` sends one statement: head, report, events, documents and NOTIFY
    10. api/reports_filing.py       writes the receipt, or api/problems.py the refusal

One read, `GET /v1/relations/ru-us/board`:

     1. api/resources/relations.py  has the row `BOARD` (path, query, formats); api/resources/table.py lists all rows
     2. api/read_routes.py          `ReadRoute` takes the names from the path and calls the responder
     3. api/responder.py            `Responder.respond` confirms the head, then looks in the cache
     4. follower/__init__.py        `Follower.head` joins the next query for the head
     5. store/head_listener.py      sends that query and receives NOTIFY
     6. follower/cache.py           returns the rendered document, if no event has changed it
     7. follower/replicas.py        otherwise chooses a replica or the primary for the read
     8. history_cache.py            returns the histories of the relation, with new events from store/events.py
     9. projections/board.py        `view` makes the document from the histories
    10. api/responses.py            has the headers of 200 and 304; web/board.py draws a page from the document

Where to change what:

    the text of an error           refusals of a report: the docstring of the exception in domain/errors.py, filled in
                                   by domain/remedies.py; mistakes in the fields of an event: domain/mistakes.py; in a
                                   report file: reportfile/ and source_positions/; in a command line: cli/commands.py;
                                   problems of HTTP: where Problem is raised in api/, explained in
                                   api/problem_types.py; the sentence with similar names: domain/nearby.py (`similar`)
    a text of a page or form       web/messages/en/: events.toml (labels, hints and choices of the fields of events),
                                   filing.toml and readouts.toml (the rest of the forms), sign-in.toml,
                                   help.toml, and pages.toml (all other pages)
    a warning on a report          domain/warnings.py finds it; projections/warnings.py has its sentence
    a rule on reversals            domain/irritant/rules.py: `_against_rules_of_type` refuses `to` from resolved upwards
                                   (`ProgressReversed`, `IrritantReopened`), and `_not_a_reversal` says which rungs to
                                   give. One to a rung that is not below the asserter's own is accepted, and
                                   domain/irritant/fold.py (`_of_the_asserter`, `_Rows`) leaves the rung as it is
    a sentence of a headline       projections/headline.py
    which event is of which round  domain/round/membership.py: board, sheet, ledger, dossier and differences ask it
    what the search finds          projections/hit.py: `TEXTS` (which fields) and `HitDocument` (shown), with the next
                                   `REPRESENTATION`; projections/words/tokens.py splits texts into words
    a column of the board          three files. projections/board.py: `BoardRow`; `_OWN` for a field of the irritant's
                                   document, else `_own_fields` or `_row`; for CSV `_COLUMNS`, or `csv` with `_cells`;
                                   `REPRESENTATION`, which rises. web/board.py: `COLUMNS` for the cell; `_line` and
                                   `_PLACEHOLDERS`, or `_cached_line`, for its value; `ORDERS` to sort by it. The
                                   template draws the columns of this list. web/messages/en/pages.toml: `[board]` and
                                   `[board.why]`
    who may see what               store/audience.py: the views `_VIEWS`, through which an audience reads;
                                   domain/handling.py: `needed_by` (what an event depends on); read_models/variants.py:
                                   documents that an audience sees otherwise; api/audiences.py: `Audiences`, a follower
                                   for each
    how long a long poll waits     api/negotiation.py: `_LONGEST_WAIT`; api/responder.py (`_wait_for_change`) waits
    the SQL of the append          store/log.py: `_APPEND`, with its parameters in `_parameters` and `_Statement`;
                                   store/codec.py has the line of an event, which the chain hash covers; the tables
                                   are in store/tables.py and migrations/
"""
