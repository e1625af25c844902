"""Make the read models: the documents in the table `read_models`, such as the state of each irritant.

`builder` makes them from histories, with the functions in `service.projections`. It is called in three cases, and the
bytes are always the same:

* With each append, by the recorder.
* After another release appended events, by `backfill`.
* For the whole record, by `rebuild`: after an import, for a new representation, or on demand.
"""
