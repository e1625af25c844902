"""The read models: built with each append, backfilled after an append of another release, rebuilt from the log.

Only `builder` makes rows, from histories, so the bytes are the same in all three cases.
"""
