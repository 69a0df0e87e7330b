"""Lines, and the names at their ends."""

import re

import numpy as np
import pytest

from autoal.palette import places
from autoal.report.figures import FEW, Curves, _separate, learning_curves, one_by_one
from autoal.report.measures import Curve
from autoal.report.svg import LETTERS, Scale, apart, name


def curves_of(count: int) -> Curves:
    along = np.array([10.0, 20.0, 30.0])
    return {
        f"s{place}": Curve(along, np.array([0.1, 0.2, 0.3]) + place / 10, np.full(3, 0.01), 2)
        for place in range(count)
    }


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([10, 40, 70], [10, 40, 70]),  # nothing is in the way
        ([40, 40, 40], [30, 40, 50]),  # moved to both sides alike
        ([5, 5, 60], [5, 15, 60]),  # no higher than the top: their middle would be 0 and 10
        ([95, 98, 99], [80, 90, 100]),  # nor lower than the bottom
        ([40, 45, 80], [37.5, 47.5, 80]),
    ],
)
def test_names_are_pushed_apart_as_little_as_can_be(
    wanted: list[float], found: list[float]
) -> None:
    assert apart(wanted, 10, 5, 100) == pytest.approx(found)


def test_a_name_stands_at_the_end_of_its_line_in_its_colour() -> None:
    curves = curves_of(2)
    svg = learning_curves("t", curves, places(curves)).svg
    heights = {
        own: float(y) for y, own in re.findall(r'<text x="[\d.]+" y="([\d.]+)"[^>]*>(s\d)<', svg)
    }
    assert heights["s1"] < heights["s0"]  # it ends higher up
    for own, place in places(curves).items():
        assert re.search(rf'style="fill:var\(--c{place}\)">{own}</text>', svg)


def test_a_long_name_is_cut_and_told_whole_where_the_pointer_rests() -> None:
    long = "a" * (LETTERS + 5)
    assert name(long, 0, 0).endswith(f"{'a' * (LETTERS - 1)}…<title>{long}</title></text>")


def test_of_many_curves_each_has_a_chart_of_its_own_with_its_band() -> None:
    few, many = curves_of(FEW), curves_of(FEW + 1)
    assert one_by_one("t", few, places(few)) == []
    whole = learning_curves("t", many, places(many)).svg
    assert ("polygon" in whole, "polygon" in learning_curves("t", few, places(few)).svg) == (
        False,
        True,
    )
    charts = one_by_one("t", many, places(many))
    assert [chart.title for chart in charts] == [f"t: {own}" for own in many]
    assert all(chart.svg.count("<polygon") == 1 for chart in charts)
    # The others are drawn once and shown in all.
    assert [chart.svg.count("<defs") for chart in charts] == [1, *[0] * FEW]
    assert len({*re.findall(r'href="(#[^"]+)"', "".join(chart.svg for chart in charts))}) == 1


def test_numbers_below_a_small_chart_do_not_touch() -> None:
    across = Scale(1000, 20_000, 40, 200)
    assert [*across.told(3).values()] == ["5,000", "10,000", "15,000", "20,000"]  # 42 pixels apart
    assert [words for _, words in _separate(across, 3)] == ["5,000", "15,000"]
    assert len(_separate(Scale(1000, 20_000, 40, 600), 3)) == 4


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.0, 1e-4, ["0.00000", "0.00002", "0.00004", "0.00006", "0.00008", "0.00010"]),
        (0.0, 3000.0, ["0", "500", "1,000", "1,500", "2,000", "2,500", "3,000"]),
    ],
)
def test_ticks_are_told_with_the_digits_that_they_need(
    low: float, high: float, told: list[str]
) -> None:
    assert [*Scale(low, high, 0, 100).told(5).values()] == told
