import csv
from io import StringIO

from autoal.escape import delimited


def test_cells_are_read_back_as_they_were() -> None:
    rows = [["a", "b, c", 'd "e"'], ["one\rtwo", "one\r\n", "=1+1"], ["", "ü", "x\ty"]]
    assert list(csv.reader(StringIO(delimited(rows), newline=""))) == rows


def test_lines_end_with_a_newline_and_none_is_an_empty_cell() -> None:
    assert delimited([["a", None, 1], [0.5, "b", None]]) == "a,,1\n0.5,b,\n"
