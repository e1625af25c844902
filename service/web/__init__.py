"""The record as pages for people, rendered on the server from the documents that `api` serves under `/v1`.

A page reads through the same resources as the HTTP interface, so both show the same. The pages need no build step and
no other host: templates, one stylesheet, htmx, and a short script without which every page still works.

`site` adds the pages to the application, and `pages` answers a request for one. Most other modules are one page each,
such as `board` and `dossier`. `formatting`, `standing`, `ladder`, `timeline`, `course` and `clocks` make parts of
pages, and `text_width` estimates the width of labels. `guides` shows pages of `docs/`. `forms` has the forms that file
reports. All texts are in `messages/en`.
"""
