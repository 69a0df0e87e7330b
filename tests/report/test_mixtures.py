"""What moved among the weights of candidates."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from autoal.report.bars import mixing_weights
from autoal.report.mixtures import candidate_weights, moved
from autoal.report.runs import read_run
from tests.report.made import write_run

ROSE = {"margin": [0.2, 0.3, 0.45], "badge": [0.35, 0.3, 0.1], "random": [0.45, 0.4, 0.45]}


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (
            ROSE,
            "margin went from .20 to .45 between queries 1 and 3, at the cost of badge "
            "(from .35 to .10).",
        ),
        (
            {"margin": [0.6, 0.2, 0.5], "badge": [0.2, 0.4, 0.3], "random": [0.2, 0.4, 0.2]},
            "margin went from .60 to .20 between queries 1 and 2, in favour of badge "
            "(from .20 to .40); in the end it was .50.",
        ),
        (
            {"margin": [0.5, 0.52], "badge": [0.5, 0.48]},
            "The weights stayed flat, within .05 of their first ones; last: margin .52, badge .48.",
        ),
        (
            {"margin": [1.0]},
            "The weights stayed flat, within .05 of their first ones; last: margin 1.00.",
        ),
    ],
)
def test_it_is_told_what_moved(weights: Mapping[str, Sequence[float]], told: str) -> None:
    assert moved(weights) == told


def test_names_stand_in_the_order_of_the_stack() -> None:
    svg = mixing_weights("t", ROSE).svg
    places = [svg.index(f">{own}</text>") for own in ("random", "badge", "margin")]
    assert places == sorted(places)  # the first candidate is at the bottom
    first = [svg.index(f"round 1, {own}:") for own in ROSE]
    assert first == sorted(first)


def test_a_run_that_has_ended_counts_no_more(tmp_path: Path) -> None:
    short = write_run(tmp_path, "short", [0.5, 0.6], weights={"margin": 0.2, "badge": 0.8})
    long = write_run(tmp_path, "long", [0.5, 0.6, 0.7], weights={"margin": 0.4, "badge": 0.6})
    assert candidate_weights([read_run(short), read_run(long)]) == {
        "margin": pytest.approx([0.3, 0.4]),
        "badge": pytest.approx([0.7, 0.6]),
    }
