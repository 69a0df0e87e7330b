import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from autoal.strategies.committee import Committee
from torch import Tensor

from autoal import Bench, Features, Learner, Rows, View, select
from autoal.errors import UserError
from autoal.model.predictions import Given
from autoal.query.batch import query
from autoal.testing import make_view
from autoal.testing.means import ClassMeans
from tests.search.made import untimed
from tests.strategies.made import scored


class Member(ClassMeans):
    """Says of each row of the pool what it is told to say."""

    def __init__(self, probs: Tensor) -> None:
        super().__init__(probs.shape[1], 1)
        self.probs = probs

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        logits = self.probs[numbers % len(self.probs)].log()
        return Features(rows, numbers, lambda: logits, Given(lambda: logits))


def saying(*members: list[list[float]]) -> tuple[View, list[Tensor]]:
    """A view of as many rows as each of the members speaks of, and what they are taught."""
    opinions, lessons = iter([Member(torch.tensor(member)) for member in members]), []

    def fitted(places: Tensor) -> Learner:
        lessons.append(places)
        return next(opinions)

    rows, classes = len(members[0]), len(members[0][0])
    labels = torch.cat([torch.full((rows,), -1), torch.arange(6) % classes])
    view = View.of(torch.zeros(rows + 6, 2), inputs=torch.zeros(rows + 6, 1), labels=labels)
    return replace(view, bench=Bench(untimed, fitted=fitted)), lessons


SURE, LEANING, OTHER = [1.0, 0.0, 0.0], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1]
MEMBERS = [[SURE, LEANING, OTHER], [SURE, LEANING, SURE], [SURE, OTHER, [0.1, 0.1, 0.8]]]


def test_the_entropy_of_votes_by_hand() -> None:
    view, _ = saying(*MEMBERS)
    # All agree on the first row, two of three on the second, nobody on the third.
    split = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    expected = torch.tensor([0.0, split, math.log(3)])
    torch.testing.assert_close(scored(Committee(members=3), view, 1), expected)


def test_the_divergence_from_the_consensus_is_that_of_a_loop() -> None:
    view, _ = saying(*MEMBERS)
    expected = []
    for row in range(3):
        probs = [member[row] for member in MEMBERS]
        mean = [sum(values) / 3 for values in zip(*probs, strict=True)]
        apart = [
            sum(p * math.log(p / q) for p, q in zip(member, mean, strict=True) if p)
            for member in probs
        ]
        expected.append(sum(apart) / 3)
    found = scored(Committee(members=3, measure="divergence"), view, 1)
    torch.testing.assert_close(found, torch.tensor(expected))


def test_members_that_agree_to_vote_may_differ_in_how_sure_they_are() -> None:
    members = [[SURE, LEANING], [SURE, SURE]]
    assert scored(Committee(members=2), saying(*members)[0], 1).tolist() == [0, 0]
    found = scored(Committee(members=2, measure="divergence"), saying(*members)[0], 1)
    assert found[0] == 0 < found[1]


def test_bootstrap_draws_as_many_of_each_class_with_replacement() -> None:
    view, lessons = saying(*5 * [[SURE]])
    select(Committee(members=5), view, 1)
    assert len(lessons) == 5
    labels = view.labelled.labels
    assert all(labels[lesson].bincount().tolist() == [2, 2, 2] for lesson in lessons)
    assert all(torch.equal(lesson, lesson.sort().values) for lesson in lessons)
    assert any(len(lesson.unique()) < 6 for lesson in lessons)
    assert len({tuple(lesson.tolist()) for lesson in lessons}) > 1


def test_folds_leave_each_row_out_once() -> None:
    view, lessons = saying(*3 * [[SURE]])
    select(Committee(members=3, sample="folds"), view, 1)
    left_out = [set(range(6)) - set(lesson.tolist()) for lesson in lessons]
    assert [len(rows) for rows in left_out] == [2, 2, 2]
    assert set().union(*left_out) == set(range(6))


def test_the_record_tells_how_much_they_disagree() -> None:
    view, _ = saying(*MEMBERS)
    notes = query(Committee(members=3), view, 1).notes
    assert notes["members"] == 3
    assert notes["disagreement"] == pytest.approx(float(scored_again(MEMBERS).mean()))


def scored_again(members: list[list[list[float]]]) -> Tensor:
    return scored(Committee(members=len(members)), saying(*members)[0], 1)


def test_members_learn_once_a_view() -> None:
    view, lessons = saying(*MEMBERS)
    committee = Committee(members=3)
    assert torch.equal(scored(committee, view, 1), scored(committee, view, 2))
    assert len(lessons) == 3


def test_without_labels_there_is_nobody_to_ask() -> None:
    view = make_view(labelled=0, fitted=True)
    assert scored(Committee(), view, 3).tolist() == [0] * 60


@pytest.mark.parametrize("sample", ["bootstrap", "folds"])
def test_one_label_makes_whom_it_can(sample: str) -> None:
    view = make_view(labelled=1, fitted=True)
    assert len(select(Committee(sample=sample), view, 3)) == 3


def test_arrays_have_no_learner() -> None:
    with pytest.raises(UserError, match="a view of arrays has no learner"):
        select(Committee(), make_view(), 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"members": 1}, "`members` must be at least 2"),
        ({"sample": "fold"}, "unknown sample 'fold'; did you mean 'folds'"),
        ({"measure": "vote"}, "unknown measure 'vote'; did you mean 'votes'"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Committee(**options)
