"""Read models: what people read, each a document and a total function from a reading to it.

Bounded documents are stored whole, written in the transaction of the append; the rest is computed on read by the same
kind of function. A `REPRESENTATION` changes with the shape of the JSON, so that no cache answers for the old one;
`openapi/representations.json` keeps both, and a test sees that they rise together.
"""
