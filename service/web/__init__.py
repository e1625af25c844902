"""The record as pages for people, rendered on the server from the documents that `api` serves under `/v1`.

A page reads through the same resources as the HTTP interface, so both show the same. The pages need no build step and
no other host: templates, one stylesheet, htmx, and one short script without which every page still works.
"""
