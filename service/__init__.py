"""The record of bilateral irritants: who says what about where each one stands, and when that was known.

The rooms, from the outside in. Imports point down this list and never up: `tests/test_architecture.py` holds that, and
says which rooms may see which.

    __main__, cli           the command line
    client                  for programs elsewhere that poll this service; needs nothing of it but its documents
    web                     the record as pages, for people; drawn from what `api` answers
    relay                   the record handed on to NATS JetStream, each event once and in order
    api                     the record over HTTP, for programs
    recorder                THE write path: read streams → decide → append → project, in one transaction
    follower                THE read path: what this process knows of the record, kept current; who waits for news
    seeding                 filling an empty record
    history_cache           decoded histories, for recorder and follower alike
    checkpoint              where the record stood, signed, and the key that signs
    read_models         the stored documents: built, backfilled and rebuilt
    reportfile          what operators write by hand, and its schema
    source_positions    YAML and JSON with a line and a column for each mistake
    store | projections     the only room that knows SQL | read models, which are pure; they never see each other
    domain                  what may be asserted and what comes of it; pure, and imports nothing of ours
    settings                what the operator decides, read once and handed down
    resources               the files and the version that come with the code, in a checkout and in a wheel
"""
