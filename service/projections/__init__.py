"""Projections: pure functions from histories to the documents that the API, the pages and the command line show.

Each module has one document, as a Pydantic model, and a function `view` that makes it from a reading: a stream at one
point, with its events and its state (`StreamAtPoint`). `view` is total: it makes a document of any history. The
documents in `stored.py` are stored in the transaction of each append. The others are computed for each request.

`words` has the names and phrases that several documents share. `formats` has what is neither JSON nor a page: Atom,
iCalendar, Markdown and CSV.

`NAME` is the name of a document. `REPRESENTATION` is a number that rises when the shape of its JSON changes. The number
is part of the entity tag, so a cache does not serve the old shape. A test compares it with
`openapi/representations.json`.
"""
