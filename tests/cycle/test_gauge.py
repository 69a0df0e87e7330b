import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import Parameter
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from autoal import Round, View
from autoal.building import TARGET, located
from autoal.config import CONFIGS
from autoal.cycle.agreement import Change, Kappa
from autoal.cycle.curves import Cost, Plateau
from autoal.cycle.hooks import StopRule
from autoal.cycle.spending import Budget, Time
from autoal.cycle.uncertainty import Uncertainty
from autoal.plugins import options
from tests.cycle.made import PLAN, Make, answered, done, facts, recorded, saved
from tests.launch import Zygote


def kept(state: dict[str, Any]) -> dict[str, Any]:
    """A state as it comes back from a file that nothing is unpickled of but tensors."""
    file = BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


RULES: list[Callable[[], StopRule]] = [
    Kappa,
    lambda: Change(rows=20),
    lambda: Uncertainty(rounds=2),
    lambda: Plateau(rounds=1),
    lambda: Cost(0.1, 1.0),
    lambda: Budget(12),
    lambda: Time(1),
]


@pytest.mark.parametrize("made", RULES)
def test_a_rule_that_goes_on_says_what_one_says_that_was_never_stopped(
    made: Callable[[], StopRule], quick: Make
) -> None:
    whole, said, said_again = made(), [], []
    again = made()

    def stop(history: Sequence[Round], view: View) -> str:
        nonlocal again
        timeless = [replace(each, seconds={"total": 1.0}) for each in history]
        said.append(whole(timeless, view))
        state, again = kept(again.state_dict()), made()
        again.load_state_dict(state)
        said_again.append(again(timeless, view))
        return ""

    done(quick(stop=stop, plan=replace(PLAN, rounds=5)))
    assert len(said) == 6
    assert said[-1].value is not None
    assert said == said_again


@pytest.mark.parametrize("made", RULES[:6])  # all but time, which is another one
def test_a_run_that_goes_on_has_the_advice_of_one_that_was_never_stopped(
    made: Callable[[], StopRule], quick: Make
) -> None:
    plan = replace(PLAN, rounds=6)
    first = quick(stop=made(), plan=plan)
    for _ in range(3):
        answered(first)
    again = quick(stop=made(), plan=plan)
    again.resume(recorded(first.history), saved(first))
    assert facts(done(again)) == facts(done(first))
    assert all(each.stop["rule"] for each in first.history)


def test_advice_stands_in_the_record_and_ends_a_run_only_where_it_is_obeyed(quick: Make) -> None:
    advised, obeyed = quick(stop=Budget(16)), quick(stop=Budget(16, obey=True))
    told = [each.stop for each in done(advised)]
    assert [stop["value"] for stop in told] == [6, 11, 16, 21]
    assert [stop.get("reason") for stop in told[1:3]] == [
        None,
        "16 labels were bought (budget, rule 16)",
    ]
    assert [each.stop for each in done(obeyed)] == told[:3]
    assert obeyed.stopped == told[2]["reason"]


@pytest.mark.parametrize("choice", sorted(path.stem for path in CONFIGS.glob("stop/*.yaml")))
def test_the_settings_of_a_rule_are_its_parameters_with_their_defaults(choice: str) -> None:
    section = yaml.safe_load((CONFIGS / "stop" / f"{choice}.yaml").read_text())
    if choice == "none":
        assert section == {}
        return
    rule = located(section.pop(TARGET))
    assert rule.__name__.lower() == choice
    needed = {name for name, value in section.items() if value == "???"}
    assert options(rule) == section | dict.fromkeys(needed, Parameter.empty)


def test_a_run_ends_where_it_obeys_a_rule_and_is_finished(train: Zygote, tmp_path: Path) -> None:
    command = ("strategy=margin", "task=linear", "task.steps=3", "logger=none", "name=run")
    rule = ("stop=budget", "stop.labels=30", "stop.obey=true", f"out={tmp_path}")
    line = "run  budget advises to stop: 30 labels were bought (budget, rule 30)"
    first, again = train.run(*command, *rule), train.run(*command, *rule)
    assert (first.code, again.code) == (0, 0)
    assert line in first.out.splitlines()
    record = (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    assert [json.loads(each)["stop"]["value"] for each in record] == [20, 30]
    assert (tmp_path / "run" / "model").is_dir()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["stop=cost", "stop.price=1"], "stop.worth is needed"),
        (["stop=kapa"], "kappa"),
        (["stop=kappa", "stop.obey=maybe"], "stop.obey='maybe'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(
    train: Zygote, tmp_path: Path, arguments: list[str], words: str
) -> None:
    refused = train.run(*arguments, "logger=none", f"out={tmp_path}")
    assert refused.code == 2
    assert words in refused.err


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Kappa(1.5), "`threshold` must be at least 0 and at most 1, got 1.5"),
        (lambda: Kappa(window=0), "`window` must be at least 1, got 0"),
        (lambda: Change(rows=0), "`rows` must be at least 1, got 0"),
        (lambda: Uncertainty(-1), "`move` must be at least 0"),
        (lambda: Plateau(rounds=0), "`rounds` must be at least 1"),
        (lambda: Cost(0, 1), "`price` must be above 0"),
        (lambda: Cost(1, -1), "`worth` must be above 0"),
        (lambda: Budget(0), "`labels` must be at least 1"),
        (lambda: Time(0), "`minutes` must be above 0"),
    ],
)
def test_options_out_of_their_bounds_are_refused(make: Callable[[], StopRule], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
