import random
import re
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autoal import QueryStrategy, Scored, View
from autoal.errors import UserError
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.testing import PROMISES, BrokenPromiseError, check_strategy
from tests.language.saying import Saying


class Sum(QueryStrategy):
    """A good strategy, from which the broken ones are made."""

    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.embeddings.float().sum(1)


class Density(QueryStrategy):
    """Most typical first: nearness to the `k` nearest rows of the pool."""

    def __init__(self, k: int = 10) -> None:
        self.k = k

    def score(self, view: View, budget: int) -> Tensor:
        points = view.pool.embeddings.float()
        distances = torch.cdist(points, points)
        return -distances.topk(min(self.k, len(points)), largest=False).values.mean(1)


class Greedy(Density):
    """Scores that are ranks: half of the batch by density, and half by its opposite."""

    def score(self, view: View, budget: int) -> Tensor:
        ranks = super().score(view, budget).argsort().argsort()
        return (2 * ranks - len(ranks)).abs().float()


class Alternating(QueryStrategy):
    """The largest sums first in every other round, with its state in the notes."""

    reads = ("embeddings",)
    rounds = 0

    def fit(self, view: View) -> None:
        self.rounds += 1

    def score(self, view: View, budget: int) -> Scored:
        scores = view.pool.embeddings.float().sum(1) * (-1) ** self.rounds
        return Scored(scores, {"rounds": self.rounds})

    def state_dict(self) -> dict[str, Any]:
        return {"rounds": self.rounds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rounds = state["rounds"]


class Unlabelled(QueryStrategy):
    """Reads nothing but the number of rows."""

    reads = ()

    def score(self, view: View, budget: int) -> Tensor:
        return torch.zeros(len(view.pool))


class Everything(Sum):
    """Reads all that can be read of rows."""

    reads = (
        *("inputs", "embeddings", "stages", "probs", "draws", "labelled", "labels", "validation"),
    )

    def score(self, view: View, budget: int) -> Tensor:
        pool, labelled = view.pool, view.labelled
        inputs, draws = pool.inputs.float().mean((1, 2, 3)), pool.drawn_probs.mean((0, 2))
        known = labelled.features.logits.mean() + labelled.labels.sum()
        if view.validation is not None:
            known = known + view.validation.features.probs.mean() + view.validation.labels.sum()
        return inputs + draws + pool.stages.float().sum(1) + known


class NeedsValidation(Sum):
    """Cannot do without validation rows, and says so."""

    reads: tuple[str, ...] = ("embeddings", "validation")

    def score(self, view: View, budget: int) -> Tensor:
        if view.validation is None:
            raise UserError("this strategy needs validation rows")
        return super().score(view, budget) - view.validation.features.embeddings.mean()


class Suggesting(QueryStrategy):
    """Gives labels too, which are the predictions."""

    suggests = True
    reads = ("embeddings", "probs")

    def score(self, view: View, budget: int) -> Scored:
        return Scored(view.pool.embeddings.float().sum(1), {}, view.pool.probs.argmax(1))


class UpperReference(QueryStrategy):
    """Asks what one row after the other would lead to."""

    reads = ("outcomes",)

    def score(self, view: View, budget: int) -> Tensor:
        assert view.bench is not None
        assert view.bench.outcome is not None
        rows = view.pool.rows
        return torch.tensor([view.bench.outcome(row, rows[:0]) for row in rows.split(1)])


GOOD = [
    Sum(),
    Density(),
    Density(k=1),
    Greedy(),
    Alternating(),
    Unlabelled(),
    Everything(),
    NeedsValidation(),
    Suggesting(),
    UpperReference(),
]


@pytest.mark.parametrize("strategy", GOOD, ids=lambda strategy: type(strategy).__name__)
def test_a_good_strategy_passes(strategy: QueryStrategy) -> None:
    check_strategy(strategy)


# They learn long, and break no other promise for it.
QUICK: dict[str, dict[str, Any]] = {
    "autoal": {"candidates": {"margin": {}, "uherding": {}}, "rehearsals": 2, "steps": 3},
    "cheating_oracle": {"tries": 5},
    "committee": {"members": 2},
    "epig": {"targets": 10},
    "isal": {"recheck": 3},
    "loss_prediction": {"steps": 20},
    "refine": {"batches": 1},
    "salutary": {"recheck": 3},
    "selectal": {"splits": 2},
}


@pytest.mark.parametrize("name", STRATEGIES.installed())
def test_an_installed_strategy_keeps_its_promises(name: str) -> None:
    language = Saying("Answer: 3, 1, 99")
    check_strategy(registry.build(name, "strategy", language, **QUICK.get(name, {})))


class Columns(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.embeddings


class Listed(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return [0.0] * len(view.pool)  # type: ignore[return-value]


class Raising(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        raise KeyError("nothing here")


class UnstatedStages(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.stages.sum(1)


class LogOfZero(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return (0 * view.pool.embeddings.sum(1)).log()


class SharedCounter(Sum):
    calls = count()

    def score(self, view: View, budget: int) -> Tensor:
        return super().score(view, budget) + next(self.calls)


class GlobalTorch(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return torch.rand(len(view.pool))


class GlobalNumpy(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return torch.from_numpy(np.random.rand(len(view.pool)))


class GlobalRandom(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return torch.tensor([random.random() for _ in range(len(view.pool))])


class SeedsTorch(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        torch.manual_seed(view.seed)
        return super().score(view, budget)


class SeedsNumpy(Sum):
    def fit(self, view: View) -> None:
        np.random.seed(0)
        random.seed(0)


class RelabelsRows(Sum):
    def fit(self, view: View) -> None:
        view.labelled.labels.zero_()


class RelabelsValidation(NeedsValidation):
    def fit(self, view: View) -> None:
        if view.validation is not None:
            view.validation.labels.zero_()


class ScalesValidation(NeedsValidation):
    reads = ("embeddings", "stages", "validation")

    def fit(self, view: View) -> None:
        if view.validation is not None:
            view.validation.features.embeddings.mul_(2)


class ScalesTheFeatures(Sum):
    reads = ("embeddings", "stages")

    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.embeddings.mul_(2).sum(1)


class WritesPastTorch(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        view.pool.embeddings.float().numpy()[0] = 7.0
        return super().score(view, budget)


class Remembers(Sum):
    calls = 0

    def score(self, view: View, budget: int) -> Tensor:
        self.calls += 1
        return super().score(view, budget) / self.calls


class ByNumber(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return super().score(view, budget) + view.pool.rows / 10


class Unsorted(Tensor):
    """Numbers in whose order the first comes again and again."""

    def argsort(self, *_: Any, **__: Any) -> Tensor:
        return torch.zeros(len(self), dtype=torch.long)


class OddNumbers(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return super().score(view, budget).as_subclass(Unsorted)


class FiveNeighbours(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        points = view.pool.embeddings.float()
        return torch.cdist(points, points).topk(5).values.sum(1)


class SmallBatches(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return super().score(view, budget)[:: 1 if budget < 20 else 2]


class NearAClass(Sum):
    def __init__(self, label: int) -> None:
        self.label = label

    def score(self, view: View, budget: int) -> Tensor:
        own = view.labelled.features.embeddings[view.labelled.labels == self.label]
        return (view.pool.embeddings - own.float().mean(0)).norm(dim=1)


class Standardised(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        sums = super().score(view, budget)
        return sums / (sums.amax() - sums.amin()) if len(sums) > 1 else sums


class Directions(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        points = view.pool.embeddings.float()
        return (points / points.norm(dim=1, keepdim=True)).sum(1)


class JudgesDiffer(NeedsValidation):
    def score(self, view: View, budget: int) -> Tensor:
        scores = super().score(view, budget)
        assert view.validation is not None
        return scores / float(view.validation.features.embeddings.float().var(0).mean())


class NaiveEntropy(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        probs = view.pool.probs
        return -(probs * probs.log()).sum(1)


class ThirdClass(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.probs.topk(3).values[:, 2]


class OnlyFloat32(Density):
    def score(self, view: View, budget: int) -> Tensor:
        points = view.pool.embeddings
        return torch.cdist(points, points).mean(1)


class TakesValidationForGranted(NeedsValidation):
    def score(self, view: View, budget: int) -> Tensor:
        assert view.validation is not None
        return super().score(view, budget)


class RefusesWithoutAReason(NeedsValidation):
    def score(self, view: View, budget: int) -> Tensor:
        try:
            return super().score(view, budget)
        except UserError:
            raise UserError("no") from None


class Swallows(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        try:
            return super().score(view, budget)
        except ValueError:
            return torch.zeros(len(view.pool))


class SwallowsValidation(NeedsValidation):
    def score(self, view: View, budget: int) -> Tensor:
        scores = Sum().score(view, budget)
        try:
            return super().score(view, budget)
        except UserError as error:
            if "validation" in str(error):
                raise
            return scores


class SwallowsPredictions(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        scores = super().score(view, budget)
        try:
            return scores + view.pool.probs[:, 0]
        except UserError:
            return scores


class Mumbles(Sum):
    def score(self, view: View, budget: int) -> Tensor:
        try:
            return super().score(view, budget) + view.labelled.features.embeddings.float().mean()
        except ValueError:
            raise ValueError("something is wrong") from None


class MoreThanItSays(Sum):
    reads = ("embeddings",)

    def score(self, view: View, budget: int) -> Tensor:
        return super().score(view, budget) + view.pool.logits[:, 0]


class LabelsToo(Sum):
    reads = ("embeddings",)

    def score(self, view: View, budget: int) -> Tensor:
        return super().score(view, budget) + view.labelled.labels.sum()


class LabelsAlone(Sum):
    reads = ("embeddings", "labelled")

    def score(self, view: View, budget: int) -> Tensor:
        return super().score(view, budget) + view.labelled.labels.sum()


class NotesToo(QueryStrategy):
    reads = ()

    def score(self, view: View, budget: int) -> Scored:
        mean = float(view.pool.embeddings.mean())
        return Scored(torch.zeros(len(view.pool)), {"mean": mean})


class LabelledFeatures(Sum):
    reads = ("embeddings", "labelled")

    def score(self, view: View, budget: int) -> Tensor:
        return super().score(view, budget) + view.labelled.features.drawn_probs.mean()


class Misspelt(Sum):
    reads = ("embedding",)


class Noting(QueryStrategy):
    """Keeps this for the record."""

    def __init__(self, notes: Any) -> None:
        self.notes = notes

    def score(self, view: View, budget: int) -> Scored:
        return Scored(view.pool.embeddings.float().sum(1), self.notes)


class TensorNotes(Noting):
    pass


class NanNotes(Noting):
    pass


class ListNotes(Noting):
    pass


class SilentLabels(Suggesting):
    """Gives labels without saying so."""

    suggests = False


class SaysItGivesLabels(Sum):
    suggests = True


class Labelling(QueryStrategy):
    """Gives labels of some kind."""

    suggests = True

    def score(self, view: View, budget: int) -> Scored:
        return Scored(view.pool.embeddings.float().sum(1), {}, self.labels(view, budget))

    def labels(self, view: View, budget: int) -> Any:
        raise NotImplementedError


class LabelsForTheBatch(Labelling):
    def labels(self, view: View, budget: int) -> Any:
        return torch.zeros(budget, dtype=torch.long)


class LabelsInAColumn(Labelling):
    def labels(self, view: View, budget: int) -> Any:
        return torch.zeros(len(view.pool), 1, dtype=torch.long)


class LabelsBeyondTheClasses(Labelling):
    def labels(self, view: View, budget: int) -> Any:
        return torch.full((len(view.pool),), view.classes)


class LabelsUnknown(Labelling):
    def labels(self, view: View, budget: int) -> Any:
        return torch.full((len(view.pool),), -1)


class LabelsNotWhole(Labelling):
    def labels(self, view: View, budget: int) -> Any:
        return torch.zeros(len(view.pool))


class LabelsListed(Labelling):
    def labels(self, view: View, budget: int) -> Any:
        return [0] * len(view.pool)


class Forgetful(Alternating):
    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class KeepsAnObject(Alternating):
    def state_dict(self) -> dict[str, Any]:
        return {"rounds": self.rounds, "self": self}


# The promise's first words, the strategy that breaks it, and what is said of it.
BROKEN: list[tuple[str, QueryStrategy, str]] = [
    ("`score` returns one number", Columns(), "got the shape (60, 8) for 60 rows"),
    ("`score` returns one number", Listed(), "got a list"),
    ("`score` returns one number", Raising(), "it raised KeyError: 'nothing here'"),
    ("`score` returns one number", UnstatedStages(), "must name them in its `reads`"),
    ("scores are finite", LogOfZero(), "60 of 60 scores were NaN or infinite"),
    ("equal views score equal", SharedCounter(), "two copies of the strategy"),
    ("the global seed", GlobalTorch(), "draw from view.generator()"),
    ("the global seed", GlobalNumpy(), "draw from view.generator()"),
    ("the global seed", GlobalRandom(), "draw from view.generator()"),
    ("the global streams", SeedsTorch(), "the stream of torch was moved"),
    ("the global streams", SeedsNumpy(), "the stream of numpy and random was moved"),
    ("the view is left", RelabelsRows(), "labelled.labels changed while it scored"),
    ("the view is left", ScalesTheFeatures(), "pool.embeddings, pool.stages changed"),
    ("the view is left", WritesPastTorch(), "pool.embeddings"),
    ("the view is left", RelabelsValidation(), "validation.labels changed while it scored"),
    ("the view is left", ScalesValidation(), "validation.embeddings, validation.stages changed"),
    ("what was scored before", Remembers(), "differently after another one"),
    ("row numbers", ByNumber(), "under other numbers"),
    ("picks are distinct", OddNumbers(), "1 distinct rows, not 8, were picked"),
    ("pools of 1 to 8 rows", FiveNeighbours(), "with 1 rows and a budget of 1, it raised"),
    ("the budget may be the whole pool", SmallBatches(), "of 30 rows had the shape (15,)"),
    ("one labelled class", NearAClass(0), "with 1 labelled, 60 of 60 scores were NaN"),
    ("a class may be absent", NearAClass(1), "60 of 60 scores were NaN"),
    ("the rows of the pool may be identical", Standardised(), "60 of 60 scores were NaN"),
    ("the features may be constant", Directions(), "with all features 0, 60 of 60"),
    ("the features may be constant", JudgesDiffer(), "with all features 0, 60 of 60 scores"),
    ("probabilities may be exactly", NaiveEntropy(), "scores were NaN"),
    ("2, 10 and 200 classes", ThirdClass(), "with 2 classes, it raised"),
    ("embeddings may be bfloat16", OnlyFloat32(), "it raised"),
    ("there may be no validation rows", TakesValidationForGranted(), "it raised AssertionError"),
    ("there may be no validation rows", RefusesWithoutAReason(), "it refused with: no"),
    ("NaN in features", Swallows(), "in pool.embeddings, it scored as if nothing"),
    ("NaN in features", SwallowsValidation(), "in validation.embeddings, it scored as if nothing"),
    ("NaN in features", SwallowsPredictions(), "in all predictions, it scored as if nothing"),
    ("NaN in features", Mumbles(), "did not say so: something is wrong"),
    ("nothing is read", MoreThanItSays(), "it read pool.logits, and `reads` lacks probs"),
    ("nothing is read", LabelsToo(), "read labelled.labels, and `reads` lacks labelled, labels"),
    ("nothing is read", LabelsAlone(), "it read labelled.labels, and `reads` lacks labels"),
    ("nothing is read", NotesToo(), "it read pool.embeddings, and `reads` lacks embeddings"),
    ("nothing is read", LabelledFeatures(), "labelled.drawn_probs, and `reads` lacks draws"),
    ("nothing is read", Misspelt(), "['embedding'] is not among"),
    ("notes are ready", TensorNotes({"sum": torch.ones(1)}), "Tensor is not JSON serializable"),
    ("notes are ready", NanNotes({"mean": float("nan")}), "it raised ValueError"),
    ("notes are ready", ListNotes([1.0]), "got a list, not a mapping"),
    ("labels are classes", SilentLabels(), "`suggests` is False"),
    ("labels are classes", SaysItGivesLabels(), "`suggests` is True"),
    ("labels are classes", LabelsForTheBatch(), "the labels of 60 rows had the shape (8,)"),
    ("labels are classes", LabelsInAColumn(), "the labels of 60 rows had the shape (60, 1)"),
    ("labels are classes", LabelsBeyondTheClasses(), "are no classes from 0 to 2"),
    ("labels are classes", LabelsUnknown(), "are no classes from 0 to 2"),
    ("labels are classes", LabelsNotWhole(), "are no classes from 0 to 2"),
    ("labels are classes", LabelsListed(), "the labels were a list"),
    ("`state_dict` holds", Forgetful(), "did not go on as the one"),
    ("`state_dict` holds", KeepsAnObject(), "it raised"),
]


@pytest.mark.parametrize(
    ("promise", "strategy", "reason"), BROKEN, ids=[type(broken[1]).__name__ for broken in BROKEN]
)
def test_a_broken_promise_is_named(promise: str, strategy: QueryStrategy, reason: str) -> None:
    start = re.escape(f"{type(strategy).__name__} breaks a promise: {promise}")
    with pytest.raises(BrokenPromiseError, match=f"^{start}") as broken:
        check_strategy(strategy)
    assert reason in str(broken.value)


def test_every_promise_has_a_strategy_that_breaks_it() -> None:
    tried = {promise for promise in PROMISES for start, *_ in BROKEN if promise.startswith(start)}
    assert tried == PROMISES.keys()


def test_a_check_changes_neither_the_strategy_nor_the_global_streams() -> None:
    strategy = Alternating()
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    expected = float(torch.rand(1)), np.random.rand(), random.random()
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    check_strategy(strategy)
    assert (float(torch.rand(1)), np.random.rand(), random.random()) == expected
    assert strategy.rounds == 0
