from dataclasses import replace
from typing import Any

import pytest
import torch
from autoal.strategies.diversity import TypiClust
from autoal.strategies.switching import ASKED_BY, SelectAl, Tcm
from autoal.strategies.uncertainty import Entropy, Margin
from torch import Tensor

from autoal import Bench, Features, Learner, QueryStrategy, Rows, View, select
from autoal.errors import UserError
from autoal.model.predictions import Given
from autoal.query.batch import query
from autoal.testing import make_view
from autoal.testing.means import ClassMeans
from tests.search.made import untimed

VIEWS = [make_view(seed=seed) for seed in range(6)]


def asked(strategy: QueryStrategy, views: list[View]) -> list[list[int]]:
    return [select(strategy, view, 5).tolist() for view in views]


# TypiClust, then margin.


def test_typiclust_asks_for_three_queries_and_margin_goes_on() -> None:
    assert asked(Tcm(), VIEWS) == asked(TypiClust(), VIEWS[:3]) + asked(Margin(), VIEWS[3:])


def test_others_may_take_their_places() -> None:
    tcm = Tcm(first="entropy", then="typiclust", queries=1)
    assert asked(tcm, VIEWS) == asked(Entropy(), VIEWS[:1]) + asked(TypiClust(), VIEWS[1:])


def test_without_queries_of_the_first_the_other_begins() -> None:
    assert asked(Tcm(queries=0), VIEWS[:2]) == asked(Margin(), VIEWS[:2])


def test_a_query_that_is_asked_again_counts_once() -> None:
    tcm = Tcm(queries=1)
    assert asked(tcm, [VIEWS[0], VIEWS[0], VIEWS[1]]) == [
        *2 * asked(TypiClust(), VIEWS[:1]),
        *asked(Margin(), VIEWS[1:2]),
    ]


def test_the_record_tells_whose_turn_it_is() -> None:
    tcm = Tcm(queries=1)
    notes = [query(tcm, view, 5).notes["weights"] for view in VIEWS[:2]]
    assert notes == [{"typiclust": 1, "margin": 0}, {"typiclust": 0, "margin": 1}]


def test_it_reads_what_both_do() -> None:
    assert Tcm.reads == Tcm().reads
    assert Tcm(first="random", then="bald").reads == ("draws",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"queries": -1}, "`queries` must be at least 0"),
        ({"first": "typclust"}, "unknown strategy 'typclust'; did you mean 'typiclust'"),
        ({"then": "tcm"}, "candidate 'tcm': it has candidates itself, and so runs alone"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tcm(**options)


# SelectAL.


class Told(ClassMeans):
    """Predicts the true class if it was taught what it needs, and else the next one."""

    def __init__(self, labels: dict[int, int], right: bool, classes: int) -> None:
        super().__init__(classes, 1)
        self.labels = labels
        self.right = right

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        known = torch.tensor([self.labels.get(row, 0) for row in numbers.tolist()])
        classes = len(self.centres)
        said = known if self.right else (known + 1) % classes
        logits = torch.nn.functional.one_hot(said, classes).float()
        return Features(rows, numbers, lambda: logits, Given(lambda: logits))


def needing(view: View, needs: list[int]) -> tuple[View, list[Tensor]]:
    """A view whose learners are right if they learn all of these labelled places; what they learn.

    A row that is left out to judge is not needed then.
    """
    lessons: list[Tensor] = []
    rows, labels = view.labelled.features.rows.tolist(), view.labelled.labels.tolist()

    def fitted(places: Tensor) -> Learner:
        lessons.append(places)
        missed = set(needs) - set(places.tolist())
        return Told(dict(zip(rows, labels, strict=True)), not missed, view.classes)

    return replace(view, bench=Bench(untimed, fitted=fitted)), lessons


def around(centre: float) -> list[float]:
    """Positions of four rows: the second is the most typical, the last the least."""
    return [centre, centre + 0.1, centre + 0.2, centre + 2.0]


# Two classes of four rows each, far apart on a line.
LINE = torch.tensor(around(0.0) + around(50.0))
CLASSES = torch.tensor([0] * 4 + [1] * 4)


def line() -> View:
    pool = torch.linspace(0, 60, 20)
    positions = torch.cat([pool, LINE])
    labels = torch.cat([torch.full((20,), -1), CLASSES])
    angle = positions / 100  # at length 1, so that the angles are the distances
    embeddings = torch.stack([angle.cos(), angle.sin()], 1)
    probs = torch.tensor([[0.6, 0.4]]).expand(28, 2)
    inputs = positions[:, None]
    return View.of(embeddings, probs=probs, labels=labels, inputs=inputs, seed=3)


@pytest.mark.parametrize(
    ("needs", "missed", "asks"),
    [([3, 7], "atypical", "badge"), ([1, 5], "typical", "typiclust")],
)
def test_what_is_missed_most_says_who_asks(needs: list[int], missed: str, asks: str) -> None:
    view, _ = needing(line(), needs)
    found = query(SelectAl(splits=8), view, 3)
    accuracy = found.notes["accuracy_without"]
    assert min(accuracy, key=accuracy.get) == missed
    assert list(accuracy) == ["typical", "random", "atypical"]
    assert found.notes["weights"] == {name: float(name == asks) for name in ASKED_BY.values()}
    alone = SelectAl().candidates.strategies[asks]
    assert found.rows.tolist() == select(alone, view, 3).tolist()


def test_where_nothing_is_missed_typiclust_asks() -> None:
    view, _ = needing(line(), [])
    found = query(SelectAl(), view, 3)
    assert found.notes["accuracy_without"] == {"typical": 1, "random": 1, "atypical": 1}
    assert found.notes["weights"]["typiclust"] == 1


def test_each_part_judges_learners_that_have_not_seen_it() -> None:
    view, lessons = needing(make_view(pool=20, labelled=60, classes=3), [])
    select(SelectAl(splits=4), view, 3)
    assert len(lessons) == 4 * 3
    judges = []
    for three in zip(*3 * [iter(lessons)], strict=True):
        # Of the 45 rows that do not judge, one of each class is removed, each time others.
        assert [len(lesson) for lesson in three] == [42, 42, 42]
        left = view.labelled.labels[three[0]].bincount()
        assert sorted(left.tolist()) == [14, 14, 14]
        judges += sorted(set(range(60)) - set().union(*(lesson.tolist() for lesson in three)))
    assert sorted(judges) == list(range(60))


def test_more_is_removed_of_more_labels_but_no_class_loses_its_last_row() -> None:
    view, lessons = needing(make_view(pool=20, labelled=60, classes=3), [])
    select(SelectAl(share=0.2, splits=2), view, 3)
    assert {len(lesson) for lesson in lessons} == {30 - 3 * 4}


def test_where_a_row_of_each_class_is_left_nothing_is_removed_and_one_learner_tells() -> None:
    view, lessons = needing(make_view(pool=20, labelled=6, classes=3), [])
    found = query(SelectAl(share=0.9, splits=2), view, 3)
    assert [len(lesson) for lesson in lessons] == [3, 3]
    assert found.notes["weights"]["typiclust"] == 1


def test_learners_are_taught_once_a_view() -> None:
    view, lessons = needing(make_view(pool=20, labelled=60), [])
    strategy = SelectAl(splits=2)
    strategy.score(view, 3)
    strategy.score(view, 5)
    assert len(lessons) == 6


@pytest.mark.parametrize("labelled", [0, 1])
def test_a_single_label_cannot_be_left_out(labelled: int) -> None:
    view = make_view(labelled=labelled, fitted=True)
    assert select(SelectAl(), view, 4).tolist() == select(TypiClust(), view, 4).tolist()


def test_arrays_have_no_learner() -> None:
    with pytest.raises(UserError, match="a view of arrays has no learner"):
        select(SelectAl(), make_view(), 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0.0}, "`share` must be above 0"),
        ({"share": 1.0}, "`share` must be above 0 and below 1"),
        ({"splits": 1}, "`splits` must be at least 2"),
    ],
)
def test_options_of_selectal_that_cannot_be_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SelectAl(**options)
