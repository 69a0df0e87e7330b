import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import Parameter
from io import BytesIO
from itertools import product
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from sklearn.metrics import cohen_kappa_score
from torch import Tensor

from autoal import Round, Rows, View
from autoal.building import TARGET, located
from autoal.config import CONFIGS
from autoal.cycle.hooks import Advice, StopRule
from autoal.cycle.stopping import (
    Budget,
    Change,
    Cost,
    Kappa,
    Plateau,
    Time,
    Uncertainty,
    drawn,
    kappa,
)
from autoal.plugins import options
from autoal.seeding import generator
from tests.cycle.made import PLAN, Make, answered, done, facts, recorded, saved
from tests.launch import Zygote

FIRST, OTHER = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2], [0, 0, 1, 1, 1, 1, 2, 2, 2, 0]


def predicting(classes: Sequence[int], *, labelled: Sequence[int] = (0, 4), count: int = 3) -> View:
    """A view whose model predicts these classes of its rows, some of which are labelled."""
    logits = 5.0 * torch.nn.functional.one_hot(torch.tensor(classes), count).float()
    labels = torch.full((len(classes),), -1)
    labels[list(labelled)] = torch.tensor(classes)[list(labelled)]
    return View.of(logits=logits, labels=labels)


def rounds_of(*accuracies: float | None, batch: int = 10, **facts: Any) -> list[Round]:
    """A round for each accuracy, or without one."""
    return [
        Round(
            number=number,
            labelled=batch * (number + 1),
            queried=[*range(batch * number, batch * (number + 1))],
            labels=[0] * batch,
            metrics={} if accuracy is None else {"accuracy": accuracy},
            seconds={"total": 30.0},
            steps=1,
            **facts,
        )
        for number, accuracy in enumerate(accuracies)
    ]


def told(rule: StopRule, views: Sequence[View]) -> list[Advice]:
    """What the rule says of models one after the other."""
    history = rounds_of(*[None] * len(views))
    return [rule(history[: number + 1], view) for number, view in enumerate(views)]


def read(rule: StopRule, history: Sequence[Round]) -> Advice:
    """What a rule says after these rounds that does not look at the model."""
    return rule(history, predicting(FIRST))


def tensors(*lists: Sequence[int]) -> tuple[Tensor, ...]:
    return tuple(map(torch.tensor, lists))


def test_kappa_is_the_agreement_beyond_chance() -> None:
    # 8 of 10 agree; by chance .3 x .3 + .3 x .4 + .4 x .3 = .33 would.
    assert kappa(*tensors(FIRST, OTHER)) == pytest.approx((0.8 - 0.33) / (1 - 0.33))


@pytest.mark.parametrize("seed", range(3))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    first, second = torch.randint(4, (2, 50), generator=generator(seed))
    assert kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_of_the_same_predictions_is_one_though_all_are_of_one_class() -> None:
    assert kappa(*tensors([2, 2, 2], [2, 2, 2])) == 1


def test_kappa_bounds_how_far_the_f_measure_of_two_classes_can_move() -> None:
    every = [torch.tensor(bits) for bits in product((0, 1), repeat=4)]
    for before, after, truth in product(every, repeat=3):
        agreement = kappa(before, after)
        if agreement > 0:
            moved = abs(f_measure(before, truth) - f_measure(after, truth))
            assert moved <= 4 * (1 - agreement) / agreement + 1e-9


def f_measure(predicted: Tensor, truth: Tensor) -> float:
    right, named = int((predicted & truth).sum()), int(predicted.sum() + truth.sum())
    return 2 * right / named if named else 1.0


def test_kappa_advises_once_the_mean_of_the_last_three_is_high_enough() -> None:
    first, other = predicting(FIRST), predicting(OTHER)
    advice = told(Kappa(), [first, other, other, other, other])
    low = kappa(*tensors(FIRST, OTHER))
    means = [None, None, None, (low + 2) / 3, 1.0]
    assert [said.value for said in advice] == pytest.approx(means)
    assert [said.rule for said in advice] == ["kappa"] * 5
    assert [said.reason for said in advice] == [""] * 4 + [
        "the last 4 models agree on 100.0 % beyond chance: more labels will change little "
        "(kappa, rule 0.99)"
    ]


def test_change_advises_once_few_predictions_change() -> None:
    advice = told(Change(0.2), [predicting(classes) for classes in (FIRST, FIRST[::-1], OTHER)])
    assert [said.value for said in advice] == [None, 0.8, 0.7]
    assert [said.reason for said in advice] == [""] * 3
    last = told(Change(0.2), [predicting(FIRST), predicting(OTHER)])[-1]
    assert last.value == 0.2
    assert last.reason == (
        "20.0 % of the predictions changed with the last labels: more will change little "
        "(change, rule 20 %)"
    )


@pytest.mark.parametrize(("window", "expected"), [(1, [None, 0.2, 0.0]), (2, [None, None, 0.1])])
def test_as_many_values_as_the_window_has_make_a_mean(
    window: int, expected: list[float | None]
) -> None:
    views = [predicting(FIRST), predicting(OTHER), predicting(OTHER)]
    assert [said.value for said in told(Change(window=window), views)] == expected


def test_the_stop_set_is_drawn_once_from_all_rows() -> None:
    view = predicting([0] * 50, labelled=range(20))
    rows = drawn(view, 30)
    assert torch.equal(rows, rows.unique())
    assert len(rows) == 30
    assert 0 < int((rows < 20).sum()) < 20
    assert torch.equal(rows, drawn(view, 30))
    assert torch.equal(drawn(view, 2000), torch.arange(50))


def test_rows_that_are_labelled_meanwhile_are_compared_too() -> None:
    views = [predicting(FIRST), predicting(OTHER, labelled=[0, 2, 9])]
    assert told(Change(), views)[-1].value == 0.2


def test_all_rows_may_be_labelled_in_the_end() -> None:
    views = [predicting(FIRST), predicting(OTHER, labelled=range(10))]
    assert told(Change(), views)[-1].value == 0.2
    assert told(Uncertainty(rounds=1), views)[-1].value is None


def test_rows_that_join_later_are_not_compared() -> None:
    views = [predicting(FIRST), predicting([*OTHER, 0, 1, 2])]
    assert told(Change(), views)[-1].value == 0.2


def test_rows_that_were_set_aside_are_compared_no_more() -> None:
    # Those held out are in neither part of a view, as those set aside are.
    logits = torch.nn.functional.one_hot(torch.tensor(OTHER), 3).float()
    labels = torch.tensor([0, 0, 1, 1, *[-1] * 6])
    view = View.of(logits=logits, labels=labels, held_out=[1, 2])
    assert told(Change(), [predicting(FIRST), view])[-1].value == 1 / 8


def test_nothing_is_compared_where_the_whole_stop_set_was_set_aside() -> None:
    view = predicting(FIRST, labelled=range(10))
    aside = View.of(logits=torch.eye(2), labels=[0, 1])
    assert int(drawn(view, 1)) > 1  # the one row of the stop set, which the other view lacks
    assert [said.value for said in told(Change(rows=1), [view, aside, view])] == [None] * 3


def test_models_that_know_a_single_class_are_not_compared() -> None:
    ignorant = predicting([0] * 5, labelled=[0, 1])
    views = [ignorant, ignorant, predicting(FIRST), predicting(OTHER)]
    assert [said.value for said in told(Change(), views)] == [None, None, None, 0.2]


def test_doubt_that_stands_still_advises_to_stop() -> None:
    def doubting(share: float) -> View:
        """Half of the pool is sure, the other half as likely as not to be of the second class."""
        return View.of(probs=[[1.0, 0.0], [1.0, 0.0], [1 - share, share]], labels=[0, -1, -1])

    def doubt(share: float) -> float:
        return -(share * log(share) + (1 - share) * log(1 - share)) / log(2) / 2

    shares = [0.5, 0.2, 0.2, 0.19]
    advice = told(Uncertainty(rounds=2), [doubting(share) for share in shares])
    moved = [None, None, doubt(0.5) - doubt(0.2), doubt(0.2) - doubt(0.19)]
    assert [said.value for said in advice] == pytest.approx(moved)
    assert [bool(said.reason) for said in advice] == [False] * 4
    last = told(Uncertainty(move=0.02, rounds=2), [doubting(share) for share in shares])[-1]
    assert last.reason == (
        "in 2 rounds the model's doubt about the unlabelled rows moved by 1.0 % of all that is "
        "possible (uncertainty, rule 2 %)"
    )


def test_accuracy_that_rises_no_more_advises_to_stop() -> None:
    history = rounds_of(0.5, 0.9, 0.8, 0.904, 0.905, 0.906)
    values = [read(Plateau(rounds=2), history[: count + 1]) for count in range(6)]
    assert [said.value for said in values] == [None, None, 0.4, 0.004, 0.005, 0.002]
    assert [bool(said.reason) for said in values] == [False, False, False, True, True, True]
    assert values[-1].reason == ("accuracy moved by +0.20 points in 2 rounds (plateau, rule 0.5)")


def test_accuracy_is_that_of_the_validation_rows_where_there_are_some() -> None:
    history = [
        replace(each, metrics={**each.metrics, "val_accuracy": 0.5})
        for each in rounds_of(0.5, 0.6, 0.7)
    ]
    assert read(Plateau(rounds=1), history).value == 0


def test_rounds_without_an_accuracy_are_passed_over() -> None:
    assert read(Plateau(rounds=1), rounds_of(None, 0.5, None, 0.6)).value == 0.1


@pytest.mark.parametrize("rule", [Plateau(rounds=1), Cost(1, 1)], ids=["plateau", "cost"])
def test_where_nothing_judges_there_is_no_value(rule: StopRule) -> None:
    assert read(rule, rounds_of(*[None] * 9)).value is None


def test_a_label_that_costs_more_than_it_brings_advises_to_stop() -> None:
    # Accuracy rises by .1 whenever the labels double: the next 10 after 160 bring .1 log2(170/160).
    history = [
        replace(each, labelled=10 * 2**number)
        for number, each in enumerate(rounds_of(0.1, 0.2, 0.3, 0.4, 0.5))
    ]
    gain = 0.1 * log(170 / 160, 2)
    values = [read(Cost(2.0, 1.0), history[: count + 1]) for count in range(5)]
    assert [said.value for said in values] == pytest.approx([None] * 4 + [100 * gain / 10])
    assert values[-1].reason == "by the curve so far a further label is worth 0.0875, and costs 2"
    assert not read(Cost(0.08, 1.0), history).reason


def test_a_curve_is_extrapolated_from_its_later_half() -> None:
    steep, flat = [0.1 * number for number in range(5)], [0.5] * 10
    assert read(Cost(1, 1), rounds_of(*steep, *flat)).value == pytest.approx(0)


def test_a_round_of_which_all_rows_were_declined_is_no_point_of_the_curve() -> None:
    history = rounds_of(0.1, 0.2, 0.3, 0.4)
    again = replace(history[-1], queried=[], labels=[])
    assert read(Cost(1, 1), [*history, again]).value is None
    history = rounds_of(0.1, 0.2, 0.3, 0.4, 0.5)
    assert read(Cost(1, 1), [*history, replace(history[-1], queried=[])]).value is not None


def test_a_budget_counts_what_was_bought() -> None:
    history = rounds_of(0.1, 0.2, 0.3)
    values = [read(Budget(30), history[: count + 1]) for count in range(3)]
    assert [said.value for said in values] == [10, 20, 30]
    assert [said.reason for said in values] == [
        "",
        "",
        "30 labels were bought (budget, rule 30)",
    ]
    assert read(Budget(30), rounds_of(0.1, 0.2, bought=4)).value == 8


def test_time_is_peoples_or_else_the_machines() -> None:
    people = {"ann": {"labels": 6, "seconds": 45.0}, "ben": {"labels": 4, "seconds": 15.0}}
    asked = rounds_of(0.1, 0.2, people=people)
    values = [read(Time(2), asked[: count + 1]) for count in range(2)]
    assert [said.value for said in values] == [1, 2]
    assert [said.reason for said in values] == ["", "2.0 minutes were spent (time, rule 2)"]
    assert read(Time(2), rounds_of(0.1, 0.2)).value == 1


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


def test_the_seconds_of_the_round_that_was_just_done_count(quick: Make) -> None:
    first = answered(quick(stop=Time(60)))
    assert 0 < first.stop["value"] <= first.seconds["total"] / 60


def test_rules_look_at_an_experiment_whose_pool_grows_and_shrinks(quick: Make) -> None:
    rule = Kappa()
    values = []

    def stop(history: Sequence[Round], view: View) -> str:
        values.append(rule(history, view).value)
        return ""

    def growth(view: View, history: Sequence[Round]) -> Rows:
        return Rows.of(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))

    def declining(question: Any) -> list[int | None]:
        return [None if row % 3 == 0 else row % 2 for row in question.rows.tolist()]

    done(quick(stop=stop, growth=growth, plan=replace(PLAN, rounds=5)), declining)
    assert [value is None for value in values] == [True] * 3 + [False] * 3


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
