"""The record as pages, for people: drawn on the server from the documents that programs get under `/v1`.

No page reads the record in a way of its own, so what a page shows and what the interface answers cannot differ. Nothing
is built and nothing is asked of another host: templates, one stylesheet, htmx as it was published, and one short script
without which every page still works.
"""
