"""The needs of people who label: labels that count, judges, corrections, advice."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from autoal import (
    Answers,
    Arrays,
    Experiment,
    Learner,
    Plan,
    Question,
    Round,
    RunFolder,
    View,
    rounds,
)
from autoal.cycle.hooks import Advice, StopRule
from autoal.errors import UserError, Waiting
from autoal.maths.agreement import wilson
from autoal.model.logistic import Logistic
from autoal.model.trained import Trained
from autoal.oracles.question import Asking

CLASSES = ("low", "high")
PLAN = Plan(start=6, budget=4, rounds=2)


def inputs_of(count: int) -> torch.Tensor:
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(1))


def truth_of(count: int) -> torch.Tensor:
    return (inputs_of(count)[:, 0] > 0).long()


class Own(Arrays):
    """Rows of somebody's own, whose labels count where there are any."""

    labels_count = True


def data_of(
    known: Sequence[int] = (), classes: Sequence[str] = CLASSES, checked: int = 0, **parts: Any
) -> Own:
    labels = torch.full((40,), -1)
    labels[list(known)] = truth_of(40)[list(known)]
    data = Own((inputs_of(40), labels), classes=classes, **parts)
    data.checked = checked
    return data


def experiment_of(data: Own, **parts: Any) -> Experiment:
    learner: Learner = Trained(
        Logistic(data.train.shape, len(data.classes), data.preprocess(), l2=1.0)
    )
    return Experiment(data, learner, "margin", parts.pop("plan", PLAN), **parts)


def answered(question: Question) -> Answers:
    return Answers(question.rows, truth_of(40)[question.rows])


def done(experiment: Experiment) -> list[Round]:
    while (question := experiment.ask()) is not None:
        experiment.tell(answered(question))
    return experiment.history


def test_labels_that_are_there_count_and_are_never_asked_for() -> None:
    experiment = experiment_of(data_of(known=[3, 5, 8, 9]))
    first, *others = done(experiment)
    assert first.given == {row: int(truth_of(40)[row]) for row in (3, 5, 8, 9)}
    assert (len(first.queried), first.labelled, first.bought) == (2, 6, 2)
    asked = [row for past in experiment.history for row in past.queried]
    assert not {3, 5, 8, 9} & set(asked)
    assert [past.labelled for past in others] == [10, 14]


def test_with_labels_enough_nobody_is_asked_before_the_model_has_learnt_them() -> None:
    experiment = experiment_of(data_of(known=range(8)))
    question = experiment.ask()
    assert question is not None
    assert len(question.rows) == 0
    first = experiment.tell([])
    assert (first.labelled, first.queried, first.bought) == (8, [], 0)
    assert first.metrics["accuracy"] > 0.5


def test_labels_that_came_later_count_from_the_next_round_on() -> None:
    before = experiment_of(data_of(known=[3]))
    for _ in range(2):
        question = before.ask()
        assert question is not None
        before.tell(answered(question))
    left = next(row for row in range(40) if row not in _taken(before.history))
    later = data_of(known=[3, left])
    after = experiment_of(later)
    after.resume(before.history, before.state_dict() | {"data": later.fingerprint()})
    last = done(after)[-1]
    assert last.given == {left: int(truth_of(40)[left])}
    assert last.labelled == 6 + 4 + 4 + 1
    assert left not in last.queried


def test_labels_that_came_or_changed_too_late_to_count_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(start=6, budget=4, rounds=0)
    with RunFolder(tmp_path) as folder:
        (first,) = rounds(experiment_of(data_of(known=[3, 5]), plan=plan), answered, folder)
    asked = first.queried[0]
    later = data_of(known=[3, 5, asked])
    with RunFolder(tmp_path) as folder:
        assert not [*rounds(experiment_of(later, plan=plan), answered, folder)]
    assert capsys.readouterr().err == ""  # the data say what everybody said
    for row in (5, asked):
        later.train.labels[row] = 1 - later.train.labels[row]
    with RunFolder(tmp_path) as folder:
        assert not [*rounds(experiment_of(later, plan=plan), answered, folder)]
    told = capsys.readouterr().err
    assert told.startswith("2 labels of the data, the first that of train[5], came or changed")


def _taken(history: Sequence[Round]) -> set[int]:
    return {row for past in history for row in (*past.queried, *past.given)}


def test_judges_are_drawn_into_the_start_and_never_learnt() -> None:
    experiment = experiment_of(data_of(checked=10))
    question = experiment.ask()
    assert question is not None
    assert len(question.rows) == 16
    first = experiment.tell(answered(question))
    assert (len(first.queried), len(first.checked), first.bought) == (6, 10, 16)
    assert set(first.queried) | set(first.checked) == set(question.rows.tolist())
    assert question.rows.tolist()[:6] != first.queried  # the two kinds are mixed
    assert first.labelled == 16
    assert first.judged == "check"
    low, high = wilson(first.metrics["accuracy"], 10)
    assert (first.metrics["accuracy_low"], first.metrics["accuracy_high"]) == (low, high)
    done(experiment)
    later = [row for past in experiment.history[1:] for row in past.queried]
    assert not set(first.checked) & set(later)
    lesson = experiment._known.lesson
    assert len(lesson) == 6 + 4 + 4
    learnt = torch.cat([experiment.rows.inputs[row][None] for row in (*first.queried, *later)])
    assert sorted(map(tuple, lesson.inputs.tolist())) == sorted(map(tuple, learnt.tolist()))


def test_nobody_can_read_what_judges_are_labelled() -> None:
    experiment = experiment_of(data_of(checked=10))
    question = experiment.ask()
    assert question is not None
    first = experiment.tell(answered(question))
    question = experiment.ask()
    assert question is not None
    assert question.view is not None
    source = question.view.pool.source
    assert source is not None
    assert (source.labels[first.checked] == -1).all()
    assert not set(question.view.pool.rows.tolist()) & set(first.checked)
    assert not set(question.view.labelled.features.rows.tolist()) & set(first.checked)


def test_a_judge_that_is_declined_is_one_less() -> None:
    experiment = experiment_of(data_of(checked=10))
    question = experiment.ask()
    assert question is not None
    judge = int(experiment._asked.judging[0])  # type: ignore[union-attr]
    kept = question.rows[question.rows != judge]
    first = experiment.tell(Answers(kept, truth_of(40)[kept]))
    assert (len(first.checked), first.declined) == (9, [judge])


def test_a_test_set_judges_where_there_is_one() -> None:
    data = data_of(checked=10, test=(inputs_of(30), truth_of(30)))
    first = done(experiment_of(data))[0]
    assert (first.judged, first.checked, len(first.queried)) == ("", [], 6)


def test_without_judges_cross_validation_tells_and_says_so() -> None:
    history = done(experiment_of(data_of()))
    assert {past.judged for past in history} == {"cross-validation"}
    assert all(0 <= past.metrics["accuracy"] <= 1 for past in history)


def test_more_judges_than_the_pool_has_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match=r"data.check=38 start=6: the pool has only 40 rows"):
        experiment_of(data_of(checked=38))


@pytest.mark.parametrize(
    ("share", "count", "interval"),
    [(0.9, 50, (0.786, 0.957)), (0.0, 10, (0.0, 0.278)), (1.0, 10, (0.722, 1.0))],
)
def test_the_interval_of_a_share(share: float, count: int, interval: tuple[float, float]) -> None:
    assert wilson(share, count) == pytest.approx(interval, abs=5e-4)


def test_corrections_take_effect_with_the_next_round() -> None:
    experiment = experiment_of(data_of(checked=5))
    question = experiment.ask()
    assert question is not None
    first = experiment.tell(answered(question))
    learnt, judge = first.queried[0], first.checked[0]
    other = {row: 1 - int(truth_of(40)[row]) for row in (learnt, judge)}
    question = experiment.ask()
    assert question is not None
    second = experiment.tell(replace(answered(question), corrected=other))
    assert second.amended == other
    assert int(experiment.rows.labels[learnt]) == other[learnt]
    assert int(experiment._known.verdicts[judge]) == other[judge]
    assert second.labelled == first.labelled + 4


@pytest.mark.parametrize("row", [39, -1, 400])
def test_only_what_was_labelled_can_be_corrected(row: int) -> None:
    experiment = experiment_of(data_of(known=[]), plan=Plan(2, 2, 2))
    question = experiment.ask()
    assert question is not None
    experiment.tell(answered(question))
    question = experiment.ask()
    assert question is not None
    row = next(n for n in range(40) if n not in _taken(experiment.history)) if row == 39 else row
    with pytest.raises(UserError, match=f"row {row} has no label of an earlier round"):
        experiment.tell(replace(answered(question), corrected={row: 0}))
    assert experiment.tell(answered(question)).number == 1  # nothing was lost


def test_what_is_resumed_is_what_would_have_been() -> None:
    whole = experiment_of(data_of(known=[3, 5], checked=6))
    half = experiment_of(data_of(known=[3, 5], checked=6))
    for experiment in (whole, half):
        for number in range(2):
            question = experiment.ask()
            assert question is not None
            answers = answered(question)
            if number:
                row = experiment.history[0].queried[0]
                answers = replace(answers, corrected={row: 1})
            experiment.tell(answers)
    again = experiment_of(data_of(known=[3, 5], checked=6))
    kept = [Round.from_line(past.to_line()) for past in half.history]
    again.resume(kept, half.state_dict())
    assert _facts(done(again)) == _facts(done(whole))


def _facts(history: Sequence[Round]) -> list[dict[str, Any]]:
    return [{**past.to_line(), "seconds": None} for past in history]


def test_classes_may_be_added_at_the_end() -> None:
    before = experiment_of(data_of())
    question = before.ask()
    assert question is not None
    before.tell(answered(question))
    wider = experiment_of(data_of(classes=(*CLASSES, "odd")))
    wider.resume(before.history, before.state_dict())
    question = wider.ask()
    assert question is not None
    assert question.classes == (*CLASSES, "odd")
    assert question.view is not None
    probs = question.view.pool.probs
    assert probs.shape[1] == 3
    assert probs.argmax(1).max() < 2  # of the new one nothing is known yet
    done(wider)


class Counting(StopRule):
    """Advises to stop after this many rounds."""

    def __init__(self, limit: int, obey: bool = False) -> None:
        super().__init__(obey)
        self.limit, self.seen = limit, 0

    def __call__(self, history: Sequence[Round], view: View) -> Advice:
        assert len(view.labelled) + len(view.pool) >= 36
        self.seen += 1
        return Advice("enough" if self.seen >= self.limit else "", float(self.seen), "counting")

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


def test_advice_is_on_record_and_ends_nothing() -> None:
    history = done(experiment_of(data_of(), stop=Counting(2)))
    assert [past.stop for past in history] == [
        {"value": 1.0, "rule": "counting"},
        {"reason": "enough", "value": 2.0, "rule": "counting"},
        {"reason": "enough", "value": 3.0, "rule": "counting"},
    ]


def test_advice_that_is_obeyed_ends_also_a_run_that_goes_on() -> None:
    experiment = experiment_of(data_of(), stop=Counting(2, obey=True))
    assert len(done(experiment)) == 2
    assert experiment.stopped == "enough"
    again = experiment_of(data_of(), stop=Counting(2, obey=True))
    again.resume(experiment.history, experiment.state_dict())
    assert again.ask() is None
    assert again.stopped == "enough"


def test_a_rule_goes_on_from_what_it_remembers() -> None:
    before = experiment_of(data_of(), stop=Counting(3))
    question = before.ask()
    assert question is not None
    before.tell(answered(question))
    after = experiment_of(data_of(), stop=Counting(3))
    after.resume(before.history, before.state_dict())
    assert [past.stop["value"] for past in done(after)] == [1.0, 2.0, 3.0]


def test_without_a_number_of_rounds_the_pool_is_the_end() -> None:
    experiment = experiment_of(data_of(), plan=Plan(10, 16, None))
    assert [past.labelled for past in done(experiment)] == [10, 26, 40]
    assert experiment.stopped == "no row is left that could be asked about"


def test_rows_that_judge_keep_their_names() -> None:
    names = [f"{number}.jpg" for number in range(40)]
    experiment = experiment_of(data_of(checked=5, names=names))
    question = experiment.ask()
    assert question is not None
    assert question.names == [names[row] for row in question.rows.tolist()]


def test_rounds_with_all_of_it_are_read_back() -> None:
    told = Round(
        2, 9, [4], [1], {"accuracy": 1.0}, {"total": 1.0}, 3, given={7: 0}, amended={3: 1},
        checked=[8], checked_labels=[0], judged="check", stop={"rule": "kappa", "value": 0.5},
        people={"ann": {"labels": 1, "seconds": 2.5}},
    )  # fmt: skip
    assert Round.from_line(told.to_line()) == told


class Slow(Asking):
    """Somebody who answers when it is their time, and keeps what they were asked."""

    def __init__(self) -> None:
        self.heard: list[list[int]] = []
        self.there = False

    def __call__(self, question: Question) -> Answers:
        self.heard.append(question.rows.tolist())
        if not self.there:
            raise Waiting("later")
        return answered(question)


def test_what_people_are_asked_is_the_same_when_the_command_goes_on(tmp_path: Path) -> None:
    slow = Slow()
    for there in (False, True, False, True):
        slow.there = there
        experiment = experiment_of(data_of(known=[3], checked=4), stop=Counting(9))
        if experiment._stop is not None and len(slow.heard) == 1:
            experiment.seed = 7  # whose question would be another one
        with RunFolder(tmp_path) as folder, suppress(Waiting):
            next(rounds(experiment, slow, folder))
    assert slow.heard[0] == slow.heard[1]
    assert slow.heard[2] == slow.heard[3]
    assert not (tmp_path / "state" / "question.pt").exists()
    assert len((tmp_path / "rounds.jsonl").read_text().splitlines()) == 2


def test_labels_of_which_other_models_think_otherwise_are_doubted() -> None:
    experiment = experiment_of(data_of(), plan=Plan(30, 4, 1))
    question = experiment.ask()
    assert question is not None
    wrong = int(question.rows[inputs_of(40)[question.rows, 0].argmax()])
    answers = answered(question)
    labels = torch.where(answers.rows == wrong, 1 - answers.labels, answers.labels)
    experiment.tell(replace(answers, labels=labels))
    question = experiment.ask()
    assert question is not None
    label, p = question.doubts[wrong]
    assert label == int(truth_of(40)[wrong])
    assert p == max(p for _, p in question.doubts.values())


def test_a_question_knows_all_labels_so_far_in_their_order_and_by_whom() -> None:
    experiment = experiment_of(data_of(known=[3], checked=2), plan=Plan(4, 2, 3))
    question = experiment.ask()
    assert question is not None
    assert not len(question.known.rows)
    answers = answered(question)
    machine = torch.arange(len(answers.rows)) % 2 == 0
    first = experiment.tell(replace(answers, machine=machine))
    assert first.machine == sorted(answers.rows[machine].tolist())
    question = experiment.ask()
    assert question is not None
    learnt = [row for row in answers.rows.tolist() if row not in first.checked]
    assert question.known.rows.tolist() == [3, *learnt]
    given = dict(zip(answers.rows.tolist(), machine.tolist(), strict=True))
    assert question.known.by_machine.tolist() == [False, *(given[row] for row in learnt)]
    one, other, *_ = (row for row in learnt if given[row])
    label = 1 - first.told[one]
    again = replace(answered(question), corrected={one: label, other: 1 - first.told[other]})
    second = experiment.tell(replace(again, revised=frozenset({one})))
    assert second.machine == [one]
    question = experiment.ask()
    assert question is not None
    known = dict(zip(question.known.rows.tolist(), question.known.labels.tolist(), strict=True))
    by = dict(zip(question.known.rows.tolist(), question.known.by_machine.tolist(), strict=True))
    assert (known[one], by[one], by[other]) == (label, True, False)  # a person corrected the other


def test_as_long_as_all_labels_are_of_one_class_the_start_goes_on() -> None:
    experiment = experiment_of(data_of(), plan=Plan(3, 2, 9), start="kmeans")
    for number, classes in enumerate([[0, 0, 0], [0, 0], [0, 1]]):
        if number == 1:  # also when the command goes on
            before, history = experiment.state_dict(), experiment.history
            experiment = experiment_of(data_of(), plan=Plan(3, 2, 9), start="kmeans")
            experiment.resume(history, before)
        question = experiment.ask()
        assert question is not None
        assert question.view is None
        done = experiment.tell(classes)
        assert bool(done.metrics) == bool(done.steps) == (number == 2)
    question = experiment.ask()
    assert question is not None
    assert question.view is not None


def test_given_labels_of_one_class_do_not_stand_in_for_a_start() -> None:
    low = (truth_of(40) == 0).nonzero().flatten().tolist()[:8]
    experiment = experiment_of(data_of(known=low))
    question = experiment.ask()
    assert question is not None
    assert len(question.rows) == 6
