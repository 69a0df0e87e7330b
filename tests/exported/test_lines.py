import csv
from dataclasses import dataclass, field
from io import StringIO

import pytest

from autoal.exported.lines import as_csv


@dataclass(frozen=True)
class Said:
    row: int
    texts: dict[str, str] = field(default_factory=dict)


@pytest.mark.parametrize("text", ["one\rtwo", "one\ntwo", "one\r\ntwo", "one\r\n", 'a "b", c'])
def test_a_text_with_breaks_is_read_back_as_it_was(text: str) -> None:
    rows = csv.DictReader(StringIO(as_csv(Said, [Said(1, {"body": text})]), newline=""))
    assert list(rows) == [{"row": "1", "body": text}]


def test_a_line_ends_with_a_newline() -> None:
    assert as_csv(Said, [Said(1, {"body": "one, two"})]) == 'row,body\n1,"one, two"\n'
