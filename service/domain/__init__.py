"""The domain: event types, the rules that accept or refuse events, and the folds that compute states from histories.

All code here is pure and imports only the standard library and pydantic. Callers pass in the clock and the ids. So the
same functions serve present and past readings, previews and rebuilds. `docs/glossary.md` explains the words.

    events, decided      report.py (reads a report) → filing.py (`decide`) → irritant/rules.py and other rules
    events, folded       corrections.py (order, corrections) → history.py → irritant/fold.py and other `evolve`s
    states, interpreted  irritant/standing.py, disputes.py, undertakings.py, remarks.py; round/membership.py
"""
