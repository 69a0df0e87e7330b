"""Nobody but the oracle knows the labels of the pool: they cannot be reached from a question."""

import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningModule
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor, nn

from autoal import (
    Data,
    Experiment,
    Learner,
    LightningLearner,
    QueryStrategy,
    Question,
    SklearnLearner,
    TorchLearner,
    Training,
    View,
)
from autoal.errors import UserError
from autoal.query.strategy import READABLE, Reads
from tests.cycle.made import Make, Spy, answered, asked
from tests.model.made import NearestMean
from tests.networks import Tiny

# What nobody reaches by accident: code, and what code belongs to.
PASSED = (types.ModuleType, type, types.CodeType, str, bytes, int, float)
# Whatever leads on: of partial functions, wrappers, methods, generators and errors.
LINKS = (
    *("func", "args", "keywords", "__wrapped__", "__self__", "__func__", "gi_frame", "cr_frame"),
    *("gi_yieldfrom", "__traceback__", "tb_frame", "tb_next", "__cause__", "__context__"),
)


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
    if isinstance(thing, types.FrameType):
        yield thing.f_locals
    if isinstance(thing, weakref.ref):
        yield thing()
    for name in LINKS:
        yield getattr(thing, name, None)
    yield getattr(thing, "__dict__", None)
    if type(thing).__module__.startswith("autoal."):
        yield from computed(thing)
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            yield getattr(thing, slot, None)


def computed(thing: Any) -> Iterator[Any]:
    """The values of an object's properties, as far as they have any."""
    for kind in type(thing).__mro__:
        for name, value in vars(kind).items():
            if isinstance(value, property | cached_property):
                with suppress(Exception):
                    yield getattr(thing, name)


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
            _ = features.inputs, features.texts, features.stages, features.drawn_probs
        view.once("a thought", lambda: view.pool.probs.argmax(1))
        return torch.rand(len(view.pool), generator=view.generator())


class Plain(Everything):
    """Reads what any learner has to show, and keeps one that was taught."""

    reads: Reads = ("embeddings", "probs", "labelled", "labels", "validation", "fitted")

    def score(self, view: View, budget: int) -> Tensor:
        assert view.bench is not None
        assert view.bench.fitted is not None
        member = view.once("a member", partial(view.bench.fitted, torch.arange(4)))
        return view.pool.probs.amax(1) + view.seen_by(member).pool.probs.amax(1)


class Cheating(Everything):
    """Reads the outcomes as well."""

    reads: Reads = READABLE


@pytest.fixture
def held_out(data: Data) -> Data:
    """Data in whose rows something is written, and that hold some out."""
    texts = [f"text {row}" for row in range(len(data.train))]
    data.train = replace(data.train, shown=texts)
    data.validation = data.train.take(torch.arange(4))
    return data


class Stepping(LightningModule):
    """A LightningModule of somebody's own."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Tiny((1, 8, 8), 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images.float() / 255)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None: ...

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


CPU = Training(accelerator="cpu")
LEARNERS: dict[str, Callable[[Data], Learner]] = {
    "nearest": lambda data: NearestMean(3),
    "module": lambda data: TorchLearner(Tiny((1, 8, 8), 3), data, steps=2, training=CPU),
    "lightning": lambda data: LightningLearner(
        Stepping(), data, trainer={"max_steps": 2, "accelerator": "cpu"}, training=CPU
    ),
    "forest": lambda data: SklearnLearner(RandomForestClassifier(3), data),
}


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


@pytest.mark.parametrize("build", LEARNERS.values(), ids=list(LEARNERS))
def test_no_label_of_the_pool_can_be_reached_through_a_learner(
    make: Make, held_out: Data, build: Callable[[Data], Learner]
) -> None:
    labels = held_out.train.labels
    names = [f"{held_out.classes[label]}/{row}.png" for row, label in enumerate(labels)]
    held_out.train = replace(held_out.train, names=names, shown=names)
    experiment = make(Plain(), learner=build(held_out))
    question, unlabelled = opened(experiment)
    things = reachable(question.view)
    assert not [thing for thing in things if told_by(thing, labels, unlabelled)]
    assert not [thing for thing in things if isinstance(thing, Experiment | Data)]
    assert not [thing for thing in things if thing is names]
    assert len([thing for thing in things if isinstance(thing, Learner)]) >= 2  # and a member


class Reader(Spy, QueryStrategy):
    """Reads the texts of the pool alone, and keeps them."""

    reads: Reads = ("texts",)

    def __init__(self) -> None:
        self.read: list[list[str]] = []

    def score(self, view: View, budget: int) -> Tensor:
        self.read.append(view.pool.texts)
        return torch.rand(len(view.pool), generator=view.generator())


def test_texts_of_the_pool_alone_are_read_from_the_start_on(make: Make, held_out: Data) -> None:
    reader = Reader()
    experiment = make(reader, start=reader, learner=NearestMean(3))
    texts = [f"text {row}" for row in range(60)]
    left = [*texts]
    for number in range(2):
        answered(experiment)
        assert reader.read[number] == left
        left = [texts[row] for row in (experiment.rows.labels < 0).nonzero().flatten()]


def test_names_are_no_texts(make: Make, held_out: Data) -> None:
    names = [f"{row % 3}/{row}.txt" for row in range(60)]
    held_out.train = replace(held_out.train, names=names, shown=[*names])
    with pytest.raises(UserError, match="Reader reads texts, and the rows of this pool are none"):
        make(Reader())


def test_the_search_goes_through_what_code_leaves_behind() -> None:
    secret = [7, 8, 9]

    class Holder:
        def method(self) -> None: ...

    holder = Holder()
    holder.secret = secret  # type: ignore[attr-defined]

    def generator() -> Iterator[Any]:
        found = secret
        yield found.append

    def failed() -> Exception:
        found = secret
        try:
            raise ValueError(len(found))
        except ValueError as error:
            return error

    for thing in (generator(), failed(), weakref.ref(holder), holder.method, secret.append):
        assert any(found is secret for found in reachable([thing]))


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
