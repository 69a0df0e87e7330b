"""Escapes users' words for a page, a drawing, a Markdown or a CSV file."""

import csv
import html
import re
from collections.abc import Iterable
from io import StringIO

# Neither XML nor HTML may contain these, even escaped.
_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_MARKS = re.compile(r"([\\`*_~$&<|\[\]])")  # with a meaning in a line of Markdown


def escaped(words: str) -> str:
    """Escape for HTML and SVG; impossible characters become the replacement character."""
    return html.escape(_FORBIDDEN.sub("\ufffd", words))


def marked(words: str) -> str:
    """Escape for one line of Markdown."""
    return _MARKS.sub(r"\\\1", " ".join(words.split()))


def delimited(rows: Iterable[Iterable[object]]) -> str:
    r"""Rows as CSV, with lines that end with \n; None is an empty cell."""
    text = _Newlines(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


class _Newlines(StringIO):
    r"""Rows of CSV that end with \n.

    Their writer ends them with \r\n, or else it would not put a cell with a lone \r in quotes.
    """

    def write(self, row: str) -> int:
        return super().write(row.removesuffix("\r\n") + "\n")
