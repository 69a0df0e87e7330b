"""Facts beside labels: probabilities of classes, classes ruled out, and rows to ask about later."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from autoal import Answers, Arrays, Experiment, Question, Round, RunFolder, Trained, rounds
from autoal.cycle.knowledge import Knowledge, Told
from autoal.data.rows import UNKNOWN, Rows
from autoal.errors import UserError
from autoal.model.svm import Svm
from autoal.model.task import Task
from autoal.oracles.partial import concluded
from autoal.query.strategy import QueryStrategy
from tests.cycle.made import PLAN, SMALL, Looking, Watched, facts, recorded, saved

CLASSES = ("red", "green", "blue")
INPUTS = torch.randn(40, 4, generator=torch.Generator().manual_seed(2))
TRUTH = INPUTS[:, :3].argmax(1)
ZERO, ONE = torch.tensor([0]), torch.tensor([1])


def experiment_of(
    training: Watched | None = None,
    kind: type[Task] = Task,
    strategy: QueryStrategy | str = "margin",
) -> Experiment:
    data = Arrays((INPUTS, TRUTH), (INPUTS, TRUTH), classes=CLASSES)
    parts: dict[str, Any] = {} if kind is Svm else {"network": SMALL, "steps": 3}
    torch.manual_seed(0)
    task = kind(shape=(4,), classes=3, preprocess=data.preprocess(), **parts)
    return Experiment(data, Trained(task, training or Watched("cpu")), strategy, PLAN)


def nothing(count: int = 4) -> Knowledge:
    return Knowledge.nothing(Rows.of(torch.zeros(count, 1)), 3)


def beliefs_of(rows: Rows) -> list[list[float]]:
    assert rows.beliefs is not None
    return rows.beliefs.tolist()


def rules_out(question: Question) -> Answers:
    """Labels for round 0; later on, one class that each row is not, whoever is asked."""
    truth = TRUTH[question.rows]
    if question.number == 0:
        return Answers(question.rows, truth)
    ruled_out = {}
    for place, row in enumerate(question.rows.tolist()):
        may = torch.ones(3) if question.possible is None else question.possible[place].float()
        may[truth[place]] = 0
        ruled_out[row] = (int(may.argmax()),)
    return replace(Answers.none(), ruled_out=ruled_out, truth=None)


def test_classes_that_are_ruled_out_add_up() -> None:
    known = nothing().after(Told(queried={0: 2}, ruled_out={1: [0], 2: [1, 2]}))
    assert beliefs_of(known.rows) == [[0, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert known.pool.unlabelled.tolist() == [1, 2, 3]
    assert known.lesson.labels.tolist() == [2, UNKNOWN, UNKNOWN]
    known = known.after(Told(ruled_out={1: [2]}))
    assert beliefs_of(known.rows)[1] == [0, 1, 0]
    possible = known.rows.possible(torch.tensor([3, 1, 2]))
    assert possible is not None
    assert possible.tolist() == [[True] * 3, [False, True, False], [True, False, False]]


def test_what_a_row_is_known_not_to_be_is_not_predicted_of_it() -> None:
    """The classes that are left share the probability, however the model is looked at."""
    looking = Looking()
    experiment = experiment_of(strategy=looking)
    _, done = islice(rounds(experiment, rules_out), 2)
    assert experiment.ask() is not None
    pool = looking.views[-1].pool
    free = experiment.learner.look(experiment.rows.without_labels(), pool.rows, 0).probs
    left = torch.ones_like(free)
    for row, (label,) in done.ruled_out.items():
        left[pool.rows == row, label] = 0
    assert 0 < (left == 0).sum() < len(pool)
    expected = free * left / (free * left).sum(1, keepdim=True)
    for features in (pool, pool.cooled(1.0), pool.take(torch.arange(len(pool)))):
        assert torch.allclose(features.probs, expected, atol=1e-6)
        assert (features.drawn_probs * (1 - left)).max() == 0


def test_a_label_replaces_what_was_ruled_out() -> None:
    known = nothing().after(Told(ruled_out={1: [0]})).after(Told(queried={1: 2}))
    assert beliefs_of(known.rows)[1] == [0, 0, 1]
    assert known.labelled.labels.tolist() == [2]
    assert beliefs_of(known.after(Told(amended={1: 1})).lesson) == [[0, 1, 0]]


def test_soft_labels_stand_beside_hard_ones_and_may_change_later() -> None:
    known = nothing().after(Told(queried={0: 1, 3: 0}, beliefs={0: [0.25, 0.75, 0.0]}))
    assert beliefs_of(known.lesson) == [[0.25, 0.75, 0], [1, 0, 0]]
    known = known.after(Told(beliefs={3: [0.5, 0.5, 0.0]}))
    assert beliefs_of(known.lesson) == [[0.25, 0.75, 0], [0.5, 0.5, 0]]
    with pytest.raises(UserError, match="row 2 has no label to soften"):
        known.after(Told(beliefs={2: [1.0, 0.0, 0.0]}))


def test_nothing_is_believed_where_only_labels_are_told() -> None:
    assert nothing().after(Told(queried={0: 1}, amended={})).lesson.beliefs is None


def test_rows_that_join_bring_no_beliefs() -> None:
    known = nothing(2).after(Told(ruled_out={1: [0]})).grown(Rows.of(torch.ones(1, 1)))
    assert beliefs_of(known.rows) == [[0, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_a_judging_row_of_which_classes_are_ruled_out_stays_in_the_pool() -> None:
    question = Question(0, torch.tensor([2, 0]), CLASSES)
    answers = Answers(ZERO, ONE, ruled_out={2: (0,)})
    told = Told.by(answers, question, judging=torch.tensor([2]))
    assert (told.declined, told.ruled_out) == ((), {2: [0]})


def test_rows_for_later_are_asked_about_again_and_all_others_are_declined() -> None:
    experiment = experiment_of()
    question = experiment.ask()
    assert question is not None
    (first, second, third), others = question.rows[:3].tolist(), question.rows[3:]
    done = experiment.tell(Answers(others, TRUTH[others], later=frozenset([second])))
    assert (done.declined, done.later) == ([first, third], [second])
    assert second in experiment._known.pool.unlabelled
    assert first not in experiment._known.pool.unlabelled


def test_a_row_of_one_class_left_is_labelled_by_it_and_paid_for() -> None:
    experiment = experiment_of()
    question = experiment.ask()
    assert question is not None
    (first, second), others = question.rows[:2].tolist(), question.rows[2:]
    ruled_out = {first: (0, 1), second: (2,)}
    answers = Answers(others, TRUTH[others], ruled_out=ruled_out, paid={first: 0.5, second: 0.25})
    done = experiment.tell(answers)
    assert (done.queried[0], done.labels[0]) == (first, 2)
    assert (done.ruled_out, done.bought, done.cost) == ({second: [2]}, 5, 4.75)


def test_an_answer_that_rules_out_costs_one_where_nobody_says() -> None:
    assert Answers(ZERO, ONE, ruled_out={2: (0,), 3: (1,)}, paid={3: 0.5}).spent == 2.5


def test_what_is_ruled_out_is_learnt() -> None:
    training = Watched("cpu")
    experiment = experiment_of(training)
    history = [*rounds(experiment, rules_out)]
    assert [len(done.queried) for done in history[:2]] == [6, 0]
    assert [len(done.ruled_out) for done in history[:2]] == [0, 5]
    assert training.taught[0].beliefs is None
    assert (training.taught[1].labels == UNKNOWN).sum() == 5
    assert all(label == TRUTH[row] for done in history for row, label in done.told.items())


def test_a_run_with_beliefs_goes_on_as_if_it_had_not_ended(tmp_path: Path) -> None:
    whole = [*rounds(experiment_of(), rules_out)]
    begun = experiment_of()
    first = [*islice(rounds(begun, rules_out), 2)]
    again = experiment_of()
    again.resume(recorded(first), saved(begun))
    assert facts([*first, *rounds(again, rules_out)]) == facts(whole)
    with RunFolder(tmp_path / "run", {}, {}) as folder:
        for _ in rounds(experiment_of(), rules_out, folder):
            pass
        assert facts(folder.rounds) == facts(whole)


def test_a_learner_that_does_not_believe_is_refused_before_it_is_taught() -> None:
    experiment = experiment_of(kind=Svm)
    question = experiment.ask()
    assert question is not None
    first, others = int(question.rows[0]), question.rows[1:]
    for told in ({"ruled_out": {first: (0,)}}, {"beliefs": {int(others[0]): [1, 0, 0]}}):
        with pytest.raises(UserError, match="this task learns from labels alone: give another"):
            experiment.tell(Answers(others, TRUTH[others], **told))
    assert len(experiment.tell(Answers(others, TRUTH[others])).declined) == 1


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"ruled_out": {39: (0,)}}, "answered for row 39, which nobody had asked about"),
        ({"ruled_out": {0: (0, 1, 2)}}, "ruled out every class that row 0 may have"),
        ({"ruled_out": {0: (3,)}}, "ruled out 3 for row 0; classes go from 0 to 2"),
        ({"ruled_out": {1: (0,)}}, "answered for row 1, and left it open as well"),
        ({"later": frozenset([1])}, "answered for row 1, and left it open as well"),
        ({"beliefs": {1: [0.5, 0.4, 0.0]}}, "the belief of row 1 must be the probabilities of 3"),
        ({"beliefs": {1: [0.5, 0.5]}}, "the belief of row 1 must be"),
        ({"beliefs": {1: [float("nan"), 0.5, 0.5]}}, "the belief of row 1 must be"),
    ],
)
def test_what_cannot_be_told_is_refused(told: dict[str, Any], match: str) -> None:
    question = Question(1, torch.tensor([0, 1]), CLASSES)
    with pytest.raises(UserError, match=match):
        concluded(question, Answers(ONE, ZERO, **told))


def test_a_record_tells_beliefs_only_where_there_are_some() -> None:
    done = Round(1, 2, [4, 5], [0, 1], {"accuracy": 1.0}, {"total": 0.1}, 3)
    assert not {"beliefs", "ruled_out", "later"} & done.to_line().keys()
    more = replace(done, beliefs={4: [0.5, 0.5]}, ruled_out={7: [0]}, later=[8])
    (again,) = recorded([more])
    assert again == more
    with pytest.raises(UserError, match="`ruled_out` must be a mapping from rows to lists of cla"):
        Round.from_line({**done.to_line(), "ruled_out": {"7": 0}})


def test_each_round_is_judged_by_what_people_said_of_test_rows_where_that_is_known() -> None:
    """Where all said the same, that is accuracy and log loss; and nothing is learnt of it."""
    metrics = []
    for shares in (None, torch.nn.functional.one_hot(TRUTH, 3).double()):
        experiment = experiment_of()
        assert experiment.data.test is not None
        experiment.data.test = replace(experiment.data.test, beliefs=shares)
        (done, *_) = islice(rounds(experiment, rules_out), 1)
        metrics.append(done.metrics)
    plain, voted = metrics
    assert voted.pop("soft_accuracy") == pytest.approx(voted["accuracy"])
    assert voted.pop("soft_nll") == pytest.approx(voted["nll"], rel=1e-5)
    assert voted == plain
