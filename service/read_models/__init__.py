"""The read models: built as the recorder appends, backfilled after another release appended, rebuilt from the log.

`builder` alone makes rows, from histories, so the bytes are the same in all three cases.
"""
