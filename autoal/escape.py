"""Words of users as they stand in a page, a drawing or a Markdown file."""

import html
import re

# Neither XML nor HTML may hold these, whatever they are written as.
_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_MARKS = re.compile(r"([\\`*_~$&<|\[\]])")  # that mean something to Markdown within a line


def escaped(words: str) -> str:
    """For HTML and SVG; what these cannot hold becomes the sign for that."""
    return html.escape(_FORBIDDEN.sub("\ufffd", words))


def marked(words: str) -> str:
    """For one line of Markdown."""
    return _MARKS.sub(r"\\\1", " ".join(words.split()))
