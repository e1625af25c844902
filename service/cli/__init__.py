"""The command line, one file for each group of commands; `main.py` puts them together.

Reading and reporting go over HTTP, like everybody else's; what keeps the record (migrate, verify, export, keys) works
on the database. Results go to standard output, everything else to standard error.
"""
