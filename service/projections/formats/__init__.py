"""Text formats of the documents: Atom, iCalendar, Markdown and CSV."""
