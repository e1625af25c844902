"""The command line: one file for each group of commands, put together in `main.py`.

Reading and reporting use the HTTP interface. Maintenance (migrate, verify, export, keys) works on the database. Results
go to standard output, everything else to standard error.
"""
