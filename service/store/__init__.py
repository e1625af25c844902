"""The only room that knows SQL: tables, the log and its codec, stored documents, and the embedded server."""
