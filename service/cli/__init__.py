"""The command line `irritants`: one file for each group of commands, put together in `main`.

Commands for reading and reporting use the HTTP interface (`client`). Maintenance (migrate, verify, export, keys) works
on the database (`database`). Results go to standard output, and everything else to standard error (`terminal`).
"""
