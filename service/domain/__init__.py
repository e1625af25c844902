"""The domain: bilateral irritants, what is asserted of them, and the rules. Pure: standard library and pydantic only.

Nothing here reads a clock, makes an identifier, opens a connection or knows HTTP; all of that is handed in. That is
what lets one function serve the present, the past, the preview and the rebuild.
"""
