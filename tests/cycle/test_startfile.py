import os
from pathlib import Path

import pytest

from autoal.cycle.startfile import read, rows_of
from autoal.errors import UserError

NAMES = ["cat.png", "dog.png", "7", "twin", "twin"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "first.txt"


def test_a_file_names_rows_by_number_or_name_in_its_own_order(path: Path) -> None:
    path.write_text("\ufeffdog.png\n\n# the best of them\n  0  \n7\n", encoding="utf-8")
    lines = read(path)
    assert lines == ["dog.png", "0", "7"]
    assert rows_of(path, lines, NAMES) == [1, 0, 2]  # a name goes before a number


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names no rows"),
        (b"# none\n\n", "names no rows"),
        (b"\0\0\1", "names no rows"),
        (b"\xff\xfe1", "is not valid UTF-8; it must name a row on each line"),
        (b"3\ndog.png\n3\n", "names the row 3 2 times"),
    ],
)
def test_a_file_that_names_no_rows_is_refused(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read(path)


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no file .*first.txt; start.path= names one"):
        read(path)
    os.mkfifo(path)
    for none in (path, path.parent):
        with pytest.raises(UserError, match="there is no file"):
            read(none)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["5"], "names '5', but the pool has no such row: its numbers go from 0 to 4"),
        (["-1"], "names '-1', but the pool has no such row"),
        (["bird.png"], "names 'bird.png', .* and names are like 'cat.png'"),
        (["twin"], "names 'twin', and 2 rows have that name"),
        (["dog.png", "1"], "names the row 1 2 times"),
    ],
)
def test_a_line_that_names_no_one_row_is_refused(
    path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        rows_of(path, lines, NAMES)
