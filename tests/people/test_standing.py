from pathlib import Path
from typing import Any

import pytest

from autoal import Round, RunFolder
from autoal.people.standing import Standing


def done(**parts: Any) -> Round:
    metrics = parts.pop("metrics", {"accuracy": 0.8})
    return Round(0, 2, [5, 3], [0, 1], metrics, {"total": 1.0}, 7, **parts)


@pytest.mark.parametrize(
    ("budget", "rounds", "plan"), [(3, 4, 22), ([1, 2], 2, 13), (3, None, None)]
)
def test_the_plan_is_that_of_the_settings_and_the_rows_that_judge(
    tmp_path: Path, budget: Any, rounds: int | None, plan: int | None
) -> None:
    settings = {
        **{"strategy": {"name": "margin"}, "start": {"name": "random", "size": 8}},
        **{"budget": budget, "rounds": rounds},
    }
    with RunFolder(tmp_path / "photos", settings):
        told = Standing.of(tmp_path / "photos", [], judges=2).told()
    assert (told["run"], told["strategy"]) == ("photos", "margin")
    assert (told["rounds"], told["plan"]) == (rounds, plan)


@pytest.mark.parametrize(
    ("parts", "judged"),
    [({}, "test"), ({"judged": "check"}, "check"), ({"metrics": {}}, "")],
)
def test_a_curve_says_by_what_it_is_judged(
    tmp_path: Path, parts: dict[str, Any], judged: str
) -> None:
    standing = Standing.of(tmp_path, [])
    standing.end(done(**parts))
    told = standing.told()
    assert told["judged"] == judged
    assert told["curve"] == ([{"labels": 2, "accuracy": 0.8}] if judged else [])


@pytest.mark.parametrize(
    ("stop", "advice"),
    [
        ({}, None),
        ({"rule": "kappa", "value": 0.9}, None),  # which wants more
        (
            {"rule": "time", "reason": "it is late"},
            {"rule": "time", "value": None, "reason": "it is late"},
        ),
    ],
)
def test_advice_is_shown_when_it_says_to_stop(tmp_path: Path, stop: Any, advice: Any) -> None:
    assert Standing.of(tmp_path, [done(stop=stop)]).told()["advice"] == advice
