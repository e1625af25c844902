"""The only package that knows SQL.

* The record: `log` appends events and reads the head. `events` and `reports` read them. `codec` converts them to and
  from rows, and `upcasters` convert old versions. `tables` has the tables, `migrate` creates them.
* Documents: `read_models`. API keys: `keys`.
* Connections: `engine` and `connections`. `head_listener` follows the head, `replica` reads from standbys, `lock` lets
  one process do a job, `embedded` runs PostgreSQL.
* Checks and copies of the whole record: `verify`, `triggers`, `log_scan`, `archive`.
"""
