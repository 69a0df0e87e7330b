"""Nobody but the oracle knows the labels of the pool: they cannot be reached from a question."""

import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autoal import Data, Experiment, QueryStrategy, Question, View
from autoal.query.strategy import READABLE, Reads
from tests.cycle.made import Make, Spy, answered, asked

# What nobody reaches by accident: code, and what code belongs to.
PASSED = (types.ModuleType, type, types.CodeType, types.FrameType, str, bytes, int, float)


def neighbours(thing: Any) -> Iterator[Any]:
    """All that can be reached from something in one step, by whatever a strategy may write."""
    if isinstance(thing, Mapping):
        yield from thing.keys()
        yield from thing.values()
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from thing
    if isinstance(thing, types.FunctionType):
        for cell in thing.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # nothing was put in yet
                continue
        yield thing.__defaults__
        yield thing.__kwdefaults__
    if isinstance(thing, types.MethodType):
        yield thing.__self__
        yield thing.__func__
    for name in ("func", "args", "keywords", "__wrapped__"):  # of partial functions and wrappers
        yield getattr(thing, name, None)
    yield getattr(thing, "__dict__", None)
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            yield getattr(thing, slot, None)


def reachable(start: Any) -> list[Any]:
    """All things that can be reached from one, each once."""
    found: dict[int, Any] = {}
    left = [start]
    while left:
        thing = left.pop()
        if thing is None or isinstance(thing, PASSED) or id(thing) in found:
            continue
        found[id(thing)] = thing
        if not isinstance(thing, Tensor | np.ndarray):
            left.extend(neighbours(thing))
    return list(found.values())


def told_by(thing: Any, labels: Tensor, rows: Tensor) -> bool:
    """Whether something says of which classes these rows are."""
    if isinstance(thing, list | tuple) and all(type(value) in (int, float) for value in thing):
        thing = torch.tensor(thing)
    if isinstance(thing, np.ndarray) and thing.dtype.kind in "iuf":
        thing = torch.from_numpy(thing)
    if not isinstance(thing, Tensor) or thing.ndim == 0:
        return False
    flat = thing.detach().flatten().double()
    wanted = labels[rows].double()
    if len(flat) == len(labels):
        return torch.equal(flat[rows], wanted)
    return len(flat) == len(wanted) and torch.equal(flat, wanted)


class Everything(Spy, QueryStrategy):
    """Reads all that there is, but for outcomes, and remembers nothing."""

    reads: Reads = tuple(name for name in READABLE if name != "outcomes")

    def score(self, view: View, budget: int) -> Tensor:
        assert view.validation is not None
        assert view.bench is not None
        assert view.bench.fitted is not None
        member = view.seen_by(view.bench.fitted(torch.arange(4)))
        parts = [view.pool, view.labelled.features, view.validation.features, member.pool]
        for features in parts:
            _ = features.inputs, features.stages, features.drawn_probs
        view.once("a thought", lambda: view.pool.probs.argmax(1))
        return torch.rand(len(view.pool), generator=view.generator())


class Cheating(Everything):
    """Reads the outcomes as well."""

    reads: Reads = READABLE


@pytest.fixture
def held_out(data: Data) -> Data:
    """Data that hold some rows out."""
    data.validation = data.train.take(torch.arange(4))
    return data


def opened(experiment: Experiment) -> tuple[Question, Tensor]:
    """A question of a later round, and the rows that are not labelled then."""
    answered(experiment)
    answered(experiment)
    return asked(experiment), (experiment.rows.labels < 0).nonzero().flatten()


def test_no_label_of_the_pool_can_be_reached_from_a_question(make: Make, held_out: Data) -> None:
    experiment = make(Everything())
    question, unlabelled = opened(experiment)
    assert len(unlabelled) == 49
    things = reachable(question)
    labels = held_out.train.labels
    for rows in (unlabelled, question.rows):
        assert not [thing for thing in things if told_by(thing, labels, rows)]
    # Nor whatever has them.
    places = {labels.data_ptr()}
    assert not [
        thing for thing in things if isinstance(thing, Tensor) and thing.data_ptr() in places
    ]
    assert not [thing for thing in things if isinstance(thing, Experiment | Data)]
    # The search was one: it found the network, what was told and what the strategy thought.
    assert any(isinstance(thing, nn.Linear) for thing in things)
    assert any(thing is experiment.learner for thing in things)
    assert question.view is not None
    for found in (question.view.labelled.labels, question.view.once("a thought", lambda: None)):
        assert any(thing is found for thing in things)


def test_the_search_finds_labels_where_a_strategy_may_see_outcomes(
    make: Make, held_out: Data
) -> None:
    question, unlabelled = opened(make(Cheating()))
    labels = held_out.train.labels
    assert any(told_by(thing, labels, unlabelled) for thing in reachable(question))


def test_no_label_of_the_pool_can_be_reached_from_the_start(make: Make, held_out: Data) -> None:
    class First(Spy, QueryStrategy):
        reads: Reads = ("inputs", "embeddings", "labelled")

        def score(self, view: View, budget: int) -> Tensor:
            self.view = view
            return view.pool.embeddings.sum(1)

    first = First()
    question = asked(make(start=first))
    labels = held_out.train.labels
    for start in (question, first.view):
        assert not any(told_by(thing, labels, torch.arange(60)) for thing in reachable(start))


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (torch.tensor([9, 9, 2, 0, 1]), True),
        (np.array([2, 0, 1]), True),
        ([2.0, 0.0, 1.0], True),
        (torch.tensor([[2], [0], [1]], dtype=torch.uint8), True),
        (torch.tensor([0, 1, 2, 0, 2]), False),
        (torch.tensor([2, 0]), False),
        ("201", False),
    ],
)
def test_a_thing_tells_labels_or_does_not(thing: Any, expected: bool) -> None:
    labels, unlabelled = torch.tensor([0, 1, 2, 0, 1]), torch.tensor([2, 3, 4])
    assert told_by(thing, labels, unlabelled) == expected
