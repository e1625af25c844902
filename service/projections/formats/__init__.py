"""Text formats of the documents: Atom, iCalendar, Markdown and CSV."""

from typing import Final

WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
"""The media type of the Word documents that are made of Markdown."""
