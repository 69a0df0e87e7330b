"""Words of users as they stand in a page, a drawing, a Markdown or a CSV file."""

import csv
import html
import re
from collections.abc import Iterable
from io import StringIO

# Neither XML nor HTML may hold these, whatever they are written as.
_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_MARKS = re.compile(r"([\\`*_~$&<|\[\]])")  # that mean something to Markdown within a line


def escaped(words: str) -> str:
    """For HTML and SVG; what these cannot hold becomes the sign for that."""
    return html.escape(_FORBIDDEN.sub("\ufffd", words))


def marked(words: str) -> str:
    """For one line of Markdown."""
    return _MARKS.sub(r"\\\1", " ".join(words.split()))


def delimited(rows: Iterable[Iterable[object]]) -> str:
    r"""For a CSV file, whose lines end with \n; None is an empty cell."""
    text = _Newlines(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


class _Newlines(StringIO):
    r"""Rows of CSV that end with \n.

    Their writer ends them with \r\n, or else it would not put a cell with a lone \r in quotes.
    """

    def write(self, row: str) -> int:
        return super().write(row.removesuffix("\r\n") + "\n")
