"""The cost of labels in a run, from its settings and its command line."""

from inspect import Parameter
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoal import Answers, Asking, Oracle, Plan, Priced, Question, TrueLabels, YesNo
from autoal.building import TARGET, located
from autoal.config import CONFIGS
from autoal.costing import costs_of, demand_counted, demand_labels, demand_told
from autoal.costs.by_row import ByRow
from autoal.costs.contract import Costs
from autoal.costs.learned import Learned
from autoal.costs.units import SECONDS
from autoal.costs.words import Words
from autoal.cycle.spending import Budget
from autoal.errors import UserError
from autoal.plugins import options
from tests.launch import Zygote

NOBODY = TrueLabels([0])  # is asked, as the truth is known
CHOICES = [path.stem for path in CONFIGS.glob("costs/*.yaml")]


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_states_the_options_of_its_class(choice: str) -> None:
    section = yaml.safe_load((CONFIGS / "costs" / f"{choice}.yaml").read_text())
    if choice == "none":
        assert section == {}
        return
    kind = located(section.pop(TARGET))
    section.pop("defaults", None)
    needed = {name for name, value in section.items() if value == "???"}
    stated = options(kind, ("seed", "simulated"))
    assert stated == section | dict.fromkeys(needed, Parameter.empty)


def test_costs_are_built_with_what_a_simulation_takes() -> None:
    words = {TARGET: "autoal.costs.words.Words", "base": 1.0, "each": 0.5, "spread": 0.1}
    learned = {TARGET: "autoal.costs.learned.Learned", "after": 9, "ridge": 1.0}
    built = costs_of({"seed": 3, "costs": {**learned, "simulated": words}})
    assert isinstance(built, Learned)
    assert isinstance(built.simulated, Words)
    assert (built.after, built.simulated.seed, built.simulated.each) == (9, 3, 0.5)
    assert costs_of({"seed": 3}) is costs_of({"seed": 3, "costs": {}}) is None


def test_a_class_that_is_none_of_costs_is_not_called() -> None:
    section = {TARGET: "autoal.oracles.truth.TrueLabels"}
    with pytest.raises(UserError, match="is not a class of the kind Costs, and is not called"):
        costs_of({"seed": 3, "costs": section})


class Page(Asking):
    """Where people answer whose time is told."""

    def __call__(self, question: Question) -> Answers:
        return Answers.none()


class Untimed(Page):
    timing = False


@pytest.mark.parametrize(
    ("costs", "grows", "oracle", "words"),
    [
        (ByRow([1.0]), True, NOBODY, "costs=column has prices only for rows of the data, and"),
        (Learned(), False, NOBODY, "learns from the seconds that people take"),
        (Learned(), False, Untimed(), "learns from the seconds that people take"),
        (Learned(Words()), False, Priced(Page(), 1.0), "people take their own time"),
    ],
)
def test_costs_that_nobody_would_tell_or_two_would_are_refused(
    costs: Costs, grows: bool, oracle: Oracle, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        demand_told(costs, oracle, grows=grows)


def test_other_costs_are_told() -> None:
    demand_told(ByRow(2.0), Page(), grows=False)
    demand_told(Learned(), Page(), grows=True)
    demand_told(Learned(Words()), NOBODY, grows=True)


def test_labels_are_not_spent_on_questions_that_lead_to_none() -> None:
    whole, smaller = TrueLabels([0]), Priced(YesNo(TrueLabels([0])), 2.0)
    with pytest.raises(UserError, match="counts labels, and questions=yes_no costs where there is"):
        demand_labels(Plan(2, 2, 2, spend=5), smaller)
    demand_labels(Plan(2, 2, 2, spend=5), whole)
    demand_labels(Plan(2, 2, 2), smaller)
    demand_labels(Plan(2, 2, 2, unit="money", spend=5), smaller)


def test_a_rule_counts_what_something_tells() -> None:
    seconds, money = Budget(unit="seconds", spend=9), Budget(unit="money", spend=9)
    demand_counted(seconds, None, Page())
    demand_counted(seconds, ByRow(1.0, SECONDS), NOBODY)
    demand_counted(money, None, NOBODY)
    for costs, oracle in ((None, NOBODY), (ByRow(1.0), NOBODY), (None, Untimed())):
        with pytest.raises(UserError, match="nothing says how many a label takes"):
            demand_counted(seconds, costs, oracle)
    with pytest.raises(UserError, match="these costs are seconds; give"):
        demand_counted(money, ByRow(1.0, SECONDS), NOBODY)


RUN = ("task=logistic", "strategy=margin", "start=8", "rounds=2", "logger=none", "name=run")


@pytest.fixture
def texts(tmp_path: Path) -> tuple[str, ...]:
    """The options of a pool of 40 texts of different lengths."""
    rows = [f"{'fine' if row % 2 else 'dull'}{' word' * (row % 7)}\t{row % 2}" for row in range(40)]
    (tmp_path / "pool.tsv").write_text("\n".join(["text\tlabel", *rows, ""]))
    path = tmp_path / "pool.tsv"
    return ("data=text", "data.text=[text]", f"data.path={path}", f"data.test_path={path}")


def spending(out: Path) -> list[Any]:
    lines = (out / "run" / "rounds.jsonl").read_text().splitlines()
    found = [yaml.safe_load(line) for line in lines]
    return [{**line, "seconds": None} for line in found]


def test_a_run_spends_seconds_and_one_that_was_stopped_goes_on_as_if_it_had_not_been(
    train: Zygote, tmp_path: Path, texts: tuple[str, ...]
) -> None:
    costs = (
        "costs=learned",
        "costs.after=8",
        "costs.simulated=words",
        "costs.simulated.spread=0.2",
    )
    plan = ("plan.unit=seconds", "plan.spend=12", "plan.per_cost=true", "plan.apart=0.01")
    command = (*RUN, *texts, *costs, *plan)
    whole = train.run(*command, f"out={tmp_path / 'whole'}")
    assert whole.code == 0, whole.err
    for rounds in ("rounds=1", "rounds=2"):
        begun = train.run(*command, f"out={tmp_path / 'begun'}", rounds)
        assert begun.code == 0, begun.err
    found = spending(tmp_path / "whole")
    assert spending(tmp_path / "begun") == found
    assert [line["taken"] for line in found] == pytest.approx(
        [sum(line["timed"].values()) for line in found], abs=0.1
    )
    assert "s of people" in whole.out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("plan.unit=seconds", "plan.spend=9"), "plan.unit=seconds: nothing says how many"),
        (("plan.spent=9",), "did you mean 'spend'?"),
        (("costs=word",), "unknown costs 'word'"),
        (("costs=column",), "costs.prices is needed"),
        (("costs=column", "costs.prices=no.csv:cost"), "there is no file no.csv"),
        (("costs=words", "costs.each=-1"), "`each` must be at least 0, got -1"),
        (("costs=learned", "costs.simulated=mine"), "unknown costs/simulated 'mine'"),
        (("costs=words", "plan.unit=seconds", "plan.spend=1"), "the cheapest label costs 2.25"),
        (("costs=words", "growth=none", "plan.unit=money", "plan.spend=9"), "costs are seconds"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    train: Zygote, tmp_path: Path, texts: tuple[str, ...], given: tuple[str, ...], words: str
) -> None:
    refused = train.run(*RUN, *texts, *given, f"out={tmp_path / 'out'}")
    assert refused.code == 2
    assert words in refused.err
    assert not (tmp_path / "out").exists()
