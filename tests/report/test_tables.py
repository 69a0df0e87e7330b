"""Tables as people see them on the page."""

from autoal.report.measures import Spread
from autoal.report.tables import Cell, Table


def test_a_column_in_which_nobody_has_anything_is_left_out_of_the_page() -> None:
    table = Table("t", "Title", ["name", "nothing", "empty", "zero"], [["a", None, "", 0]] * 2)
    assert "nothing" not in table.html()
    assert "empty" not in table.html()
    assert table.html().count("<td") == 4
    assert table.csv().splitlines()[0] == "name,nothing,empty,zero"


def test_an_empty_table_keeps_its_header() -> None:
    assert "nothing" in Table("t", "Title", ["nothing"], []).html()


def test_the_name_of_a_column_of_numbers_is_aligned_like_them() -> None:
    rows: list[list[Cell]] = [
        ["a", 1, Spread(0.5, 0.1), (0.1, 0.2), None],
        ["b", "not reached", None, None, "c"],
    ]
    page = Table("t", "Title", ["name", "count", "mean", "interval", "word"], rows).html()
    for name in ("count", "mean", "interval"):
        assert f'<th scope="col" class="number">{name}</th>' in page
    for name in ("name", "word"):
        assert f'<th scope="col">{name}</th>' in page
