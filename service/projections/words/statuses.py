"""The words for a status of an irritant: one function for Markdown, Atom and the command line."""


def status_in_words(rung: str) -> str:
    """Return a status in words, such as `in talks`. Nothing is claimed, confirmed or reported at `unstated`."""
    return "nothing" if rung == "unstated" else rung.replace("_", " ")
