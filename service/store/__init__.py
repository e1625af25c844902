"""The only room that knows SQL: tables, the log and its codec, stored documents, replicas and the embedded server.

`log.append` is the statement that appends. `events` and `reports` read the log, `read_models` the stored documents.
"""
