"""Whether a query strategy keeps its promises, for everybody who writes one.

The whole test of a plugin is

    def test_density() -> None:
        check_strategy(Density())
"""

import json
import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autoal.errors import UserError
from autoal.model.features import Features
from autoal.query.strategy import READABLE, QueryStrategy, select
from autoal.query.view import View
from autoal.seeding import derive, generator

BUDGET = 8  # of the checks that are not about the budget
STAGES = (4, 6)  # widths of the network's earlier stages
# Which entry of `READABLE` allows reading which of the features.
ALLOWED_BY = {
    "inputs": "inputs",
    "embeddings": "embeddings",
    "stages": "stages",
    "logits": "probs",
    "probs": "probs",
    "drawn_probs": "draws",
}


class BrokenPromiseError(AssertionError):
    """What a strategy should do and does not."""


def check_strategy(strategy: QueryStrategy) -> None:
    """Raise `BrokenPromiseError` for the first of `PROMISES` that the strategy does not keep.

    The strategy itself is left as it is: every check works on a copy.
    """
    name = type(strategy).__name__
    with _streams_given_back():
        for promise, check in PROMISES.items():
            try:
                check(strategy)
            except BrokenPromiseError as broken:
                raise BrokenPromiseError(f"{name} breaks a promise: {promise}; {broken}") from None
            except Exception as error:
                raise BrokenPromiseError(
                    f"{name} breaks a promise: {promise}; it raised {type(error).__name__}: {error}"
                ) from error


def make_view(
    pool: int = 60,
    labelled: int = 12,
    classes: int = 3,
    *,
    width: int = 8,
    validation: int = 0,
    stages: bool = False,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> View:
    """A view of made rows: a cluster of embeddings for each class, and a head that suits them.

    The same arguments make the same view. Classes take turns, so that `labelled` rows know all of
    them where there are enough.

    Args:
        pool: number of rows that may be queried.
        labelled: number of labelled rows.
        classes: number of classes.
        width: of the embeddings.
        validation: number of validation rows, if there are any.
        stages: whether the network's earlier stages are there too.
        dtype: of the embeddings.
        seed: of everything.
    """
    made = _make((pool, labelled, validation), classes, width, stages, seed)
    return replace(made, seen=made.seen.to(dtype)).view()


@dataclass(frozen=True, eq=False)
class _Made:
    """What a view is made of; `pool`, `labelled` and `validation` are places among the rows."""

    rows: Tensor  # (n,) ascending
    labels: Tensor  # (n,)
    images: Tensor  # (n, 3, 8, 8)
    seen: Tensor  # the stages, if any, and the embeddings, side by side
    head: nn.Linear
    stages: bool
    pool: Tensor
    labelled: Tensor
    validation: Tensor
    seed: int

    def view(self) -> View:
        some = len(self.validation) > 0
        return View(
            pool=self.features(self.pool),
            labelled=self.features(self.labelled),
            labels=self.labels[self.labelled],
            classes=self.head.out_features,
            seed=derive(self.seed, "view"),
            validation=self.features(self.validation) if some else None,
            validation_labels=self.labels[self.validation] if some else None,
        )

    def features(self, places: Tensor) -> Features:
        return Features(
            self.rows[places],
            lambda: self.images[places],
            lambda _: self.seen[places],
            deepcopy(self.head),
            seed=derive(self.seed, "features"),
            width=self.head.in_features if self.stages else None,
        )

    def with_seen(self, places: Tensor, value: Tensor | float) -> "_Made":
        seen = self.seen.clone()
        seen[places] = value
        return replace(self, seen=seen)


def _make(sizes: tuple[int, int, int], classes: int, width: int, stages: bool, seed: int) -> _Made:
    stream, total = generator(seed, "rows"), sum(sizes)
    rows = torch.randperm(2 * total, generator=stream)[:total].sort().values
    order = torch.randperm(total, generator=stream)
    parts = [part.sort().values for part in order.split(list(sizes))]
    labels = torch.empty(total, dtype=torch.long)
    for part in parts:
        labels[part] = torch.arange(len(part)) % classes
    centres = torch.randn(classes, width, generator=stream)
    embeddings = centres[labels] + torch.randn(total, width, generator=stream)
    earlier = torch.randn(total, sum(STAGES), generator=stream)
    images = torch.randint(256, (total, 3, 8, 8), generator=stream, dtype=torch.uint8)
    seen = torch.cat([earlier, embeddings], 1) if stages else embeddings
    pool, labelled, validation = parts
    return _Made(
        rows, labels, images, seen, _head(centres), stages, pool, labelled, validation, seed
    )


def _head(centres: Tensor) -> nn.Linear:
    """The layer that is right about normal clusters around these centres."""
    classes, width = centres.shape
    head: nn.Linear = nn.utils.skip_init(nn.Linear, width, classes)  # no draw for its weights
    head.load_state_dict({"weight": centres, "bias": -centres.square().sum(1) / 2})
    return head


def _for(
    strategy: QueryStrategy, pool: int = 60, labelled: int = 12, classes: int = 3, seed: int = 0
) -> _Made:
    """What a view for this strategy is made of: with what it says it reads."""
    reads = strategy.reads or ()
    validation = 12 if "validation" in reads else 0
    return _make((pool, labelled, validation), classes, 8, "stages" in reads, seed)


def _demand(kept: bool, broken: str) -> None:
    if not kept:
        raise BrokenPromiseError(broken)


def _raw(strategy: QueryStrategy, view: View, budget: int = BUDGET) -> Tensor:
    """The scores of a fresh copy, whatever they are."""
    fresh = deepcopy(strategy)
    fresh.fit(view)
    return fresh.score(view, budget)


def _scores(strategy: QueryStrategy, view: View, budget: int = BUDGET) -> Tensor:
    """The scores of a fresh copy, which must be sound."""
    scores, rows = _raw(strategy, view, budget), len(view.pool)
    shape = tuple(scores.shape)
    _demand(shape == (rows,), f"the scores of {rows} rows had the shape {shape}")
    bad = int((~scores.isfinite()).sum())
    _demand(bad == 0, f"{bad} of {rows} scores were NaN or infinite")
    return scores


class _Given(QueryStrategy):
    """Scores that are known, so that picks cost no second look."""

    def __init__(self, scores: Tensor) -> None:
        self.scores = scores

    def score(self, view: View, budget: int) -> Tensor:
        return self.scores


def _serves(strategy: QueryStrategy, view: View, budget: int = BUDGET) -> None:
    """Demand sound scores and sound picks."""
    picks = select(_Given(_scores(strategy, view, budget)), view, budget).tolist()
    distinct = len(set(picks))
    _demand(distinct == budget, f"{distinct} distinct rows, not {budget}, were picked")
    _demand(set(picks) <= set(view.pool.rows.tolist()), "a row outside the pool was picked")


def _one_score_a_row(strategy: QueryStrategy) -> None:
    scores, rows = _raw(strategy, _for(strategy).view()), 60
    _demand(isinstance(scores, Tensor), f"got a {type(scores).__name__}")
    _demand(scores.shape == (rows,), f"got the shape {tuple(scores.shape)} for {rows} rows")


def _finite(strategy: QueryStrategy) -> None:
    scores = _raw(strategy, _for(strategy).view())
    bad = int((~scores.isfinite()).sum())
    _demand(bad == 0, f"{bad} of {len(scores)} scores were NaN or infinite")


def _equal_views(strategy: QueryStrategy) -> None:
    first, second = (_scores_after(seed, strategy) for seed in (1, 1))
    _demand(torch.equal(first, second), "two copies of the strategy gave different scores")


def _global_seed(strategy: QueryStrategy) -> None:
    first, second = (_scores_after(seed, strategy) for seed in (1, 2))
    told = "other global seeds gave other scores; draw from view.generator()"
    _demand(torch.equal(first, second), told)


def _scores_after(seed: int, strategy: QueryStrategy) -> Tensor:
    """The scores where the global streams were seeded so."""
    _seed_the_streams(seed)
    return _scores(strategy, _for(strategy).view())


def _seed_the_streams(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def _streams() -> dict[str, Any]:
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": pickle.dumps(np.random.get_state()),  # arrays do not compare to one answer
        "random": random.getstate(),
    }


@contextmanager
def _streams_given_back() -> Iterator[None]:
    kept = torch.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        torch.set_rng_state(kept[0])
        np.random.set_state(kept[1])
        random.setstate(kept[2])


def _global_streams(strategy: QueryStrategy) -> None:
    _seed_the_streams(20_011)  # not what a strategy would seed them with
    before = _streams()
    _scores(strategy, _for(strategy).view())
    moved = [name for name, state in _streams().items() if state != before[name]]
    _demand(not moved, f"the stream of {' and '.join(moved)} was moved")


def _scored_before(strategy: QueryStrategy) -> None:
    view, other = _for(strategy).view(), _for(strategy, seed=1).view()
    fresh = deepcopy(strategy)
    fresh.fit(view)
    first = fresh.score(view, BUDGET).clone()
    fresh.score(other, 3)
    again = fresh.score(view, BUDGET)
    _demand(torch.equal(first, again), "the same view scored differently after another one")


def _contents(view: View) -> dict[str, Tensor]:
    """Copies of all tensors that a strategy could change."""
    found = {"labels": view.labels.clone()}
    parts = {"pool": view.pool, "labelled": view.labelled}
    if view.validation is not None and view.validation_labels is not None:
        parts["validation"] = view.validation
        found["validation_labels"] = view.validation_labels.clone()
    for part, features in parts.items():
        for name in ("rows", "inputs", "embeddings", "logits", "probs", "drawn_probs"):
            found[f"{part}.{name}"] = getattr(features, name).clone()
        found[f"{part}.stages"] = features._seen.clone()
        for name, weights in features.head.state_dict().items():
            found[f"the head's {name}"] = weights.clone()
    return found


def _view_unchanged(strategy: QueryStrategy) -> None:
    view = _for(strategy).view()
    before = _contents(view)
    _scores(strategy, view)
    changed = [name for name, now in _contents(view).items() if not torch.equal(now, before[name])]
    _demand(not changed, f"{', '.join(changed)} changed while it scored")


def _near(scores: Tensor, others: Tensor) -> bool:
    """Whether they differ by no more than sums in another order may."""
    spread = float(scores.max() - scores.min())
    return float((scores - others).abs().max()) <= 1e-3 * spread + 1e-6


def _row_numbers(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    # Still ascending, so that what is drawn in their order is drawn for the same items.
    scores = _scores(strategy, replace(made, rows=7 * made.rows + 100).view())
    _demand(
        _near(_scores(strategy, made.view()), scores), "the same items under other numbers differed"
    )


def _row_order(strategy: QueryStrategy) -> None:
    # A greedy strategy may meet a near tie, in which sums in another order decide: hence three.
    agreed = sum(_same_in_another_order(strategy, _for(strategy, seed=s)) for s in range(3))
    _demand(agreed >= 2, "the same pool in another order got other scores and other picks")


def _same_in_another_order(strategy: QueryStrategy, made: _Made) -> bool:
    order = torch.randperm(len(made.pool), generator=generator(made.seed, "order"))
    view, shuffled = made.view(), replace(made, pool=made.pool[order]).view()
    scores, others = _scores(strategy, view), _scores(strategy, shuffled)
    if _near(scores[order], others):
        return True
    picks = select(_Given(scores), view, BUDGET), select(_Given(others), shuffled, BUDGET)
    return set(picks[0].tolist()) == set(picks[1].tolist())


def _small_pools(strategy: QueryStrategy) -> None:
    for size in range(1, 9):
        for budget in sorted({1, size}):
            with _about(f"with {size} rows and a budget of {budget}"):
                _serves(strategy, _for(strategy, pool=size).view(), budget)


@contextmanager
def _about(case: str) -> Iterator[None]:
    """Say in which case a promise was broken."""
    try:
        yield
    except BrokenPromiseError as broken:
        raise BrokenPromiseError(f"{case}, {broken}") from None
    except Exception as error:
        raise BrokenPromiseError(f"{case}, it raised {type(error).__name__}: {error}") from error


def _whole_pool(strategy: QueryStrategy) -> None:
    _serves(strategy, _for(strategy, pool=30).view(), 30)


def _picks(strategy: QueryStrategy) -> None:
    _serves(strategy, _for(strategy).view())


def _one_class(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    only = made.labelled[made.labels[made.labelled] == 1]
    for count in (1, len(only)):
        with _about(f"with {count} labelled"):
            _serves(strategy, replace(made, labelled=only[:count]).view())


def _absent_class(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    _serves(strategy, replace(made, labelled=made.labelled[made.labels[made.labelled] != 1]).view())


def _identical_rows(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    _serves(strategy, made.with_seen(made.pool, made.seen[made.pool[0]]).view())


def _constant_features(strategy: QueryStrategy) -> None:
    for value in (0.0, 1.0):
        with _about(f"with all features {value:g}"):
            made = _for(strategy)
            _serves(strategy, made.with_seen(torch.arange(len(made.rows)), value).view())


def _sure_predictions(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    head = deepcopy(made.head)
    head.load_state_dict({name: 1e4 * each for name, each in head.state_dict().items()})
    _serves(strategy, replace(made, head=head).view())


def _numbers_of_classes(strategy: QueryStrategy) -> None:
    for classes in (2, 10, 200):
        with _about(f"with {classes} classes"):
            _serves(strategy, _for(strategy, classes=classes).view())


def _bfloat16(strategy: QueryStrategy) -> None:
    # torch computes the same thing in different ways for few and for many rows.
    for size in (BUDGET, 60):
        made = _for(strategy, pool=size)
        with _about(f"with {size} rows"):
            _serves(strategy, replace(made, seen=made.seen.bfloat16()).view())


def _no_validation(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    try:
        _serves(strategy, replace(made, validation=made.validation[:0]).view())
    except UserError as error:  # it cannot do without them, and says so
        _demand("validation" in str(error), f"it refused with: {error}")


def _nan_refused(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    parts = {"pool": made.pool, "labelled": made.labelled, "validation": made.validation}
    for part, places in parts.items():
        told_by = {(part, name) for name in ALLOWED_BY if name != "inputs"}
        broken = made.with_seen(places[:1], float("nan"))
        _refuses(strategy, broken, f"{part}.embeddings", told_by)
    head = deepcopy(made.head)
    head.load_state_dict({name: torch.nan * each for name, each in head.state_dict().items()})
    told_by = {(part, name) for part in parts for name in ("logits", "probs", "drawn_probs")}
    _refuses(strategy, replace(made, head=head), "all predictions", told_by)


def _refuses(
    strategy: QueryStrategy, broken: _Made, where: str, told_by: set[tuple[str, str]]
) -> None:
    """Demand an error, if the strategy reads what tells of the NaN, and that it says so."""
    view, read = _watched(broken.view())
    with _about(f"with NaN in {where}"):
        said = _refusal(strategy, view)
        if read & told_by:
            _demand(said is not None, "it scored as if nothing were wrong")
            told = any(word in str(said).lower() for word in ("nan", "not finite"))
            _demand(told, f"the error did not say so: {said}")


def _refusal(strategy: QueryStrategy, view: View) -> str | None:
    try:
        _raw(strategy, view)
    except Exception as error:
        return str(error)
    return None


class _Watched(Features):
    """Features that tell what is read of them."""

    def __init__(self, features: Features, tell: Callable[[str], None]) -> None:
        self._watched = features
        self._tell = tell

    def __getattribute__(self, name: str) -> Any:
        own = super().__getattribute__  # what this object itself has; all else is the other's
        own("_tell")(name)
        return getattr(own("_watched"), name)


def _watched(view: View) -> tuple[View, set[tuple[str, str]]]:
    """A view, and what has been read of its pool, labelled and validation rows."""
    read: set[tuple[str, str]] = set()

    def watch(part: str, features: Features) -> Features:
        def tell(name: str) -> None:
            if name in ALLOWED_BY:
                read.add((part, name))

        return _Watched(features, tell)

    class Watching(View):
        def __getattribute__(self, name: str) -> Any:
            if name in ("labels", "validation_labels"):
                read.add(("labelled" if name == "labels" else "validation", "labels"))
            return super().__getattribute__(name)

    watching = Watching(
        watch("pool", view.pool),
        watch("labelled", view.labelled),
        view.labels,
        view.classes,
        view.seed,
        None if view.validation is None else watch("validation", view.validation),
        view.validation_labels,
    )
    return watching, read


def _reads(strategy: QueryStrategy) -> None:
    if strategy.reads is None:
        return
    unknown = sorted(set(strategy.reads) - set(READABLE))
    _demand(not unknown, f"{unknown} is not among {READABLE}")
    made = _make((60, 12, 12), 3, 8, "stages" in strategy.reads, 0)
    view, read = _watched(made.view())
    fresh = deepcopy(strategy)
    fresh.fit(view)
    fresh.score(view, BUDGET)
    fresh.notes(view)
    for part, name in sorted(read):
        needed = {ALLOWED_BY.get(name, part), part} - {"pool"}
        missing = sorted(needed - set(strategy.reads))
        _demand(not missing, f"it read {part}.{name}, and `reads` lacks {', '.join(missing)}")


def _notes(strategy: QueryStrategy) -> None:
    view, fresh = _for(strategy).view(), deepcopy(strategy)
    select(fresh, view, BUDGET)
    notes = fresh.notes(view)
    _demand(isinstance(notes, dict), f"got a {type(notes).__name__}, not a mapping")
    json.dumps(notes, allow_nan=False)


def _state(strategy: QueryStrategy) -> None:
    made, lived = _for(strategy), deepcopy(strategy)
    select(lived, made.view(), BUDGET)
    file = BytesIO()
    torch.save(lived.state_dict(), file)
    file.seek(0)
    resumed = deepcopy(strategy)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    picks = [select(each, _a_round_later(made).view(), BUDGET) for each in (lived, resumed)]
    _demand(
        torch.equal(*picks),
        "given the state, a fresh copy did not go on as the one that had gone through the round",
    )


def _a_round_later(made: _Made) -> _Made:
    """The first rows of the pool are labelled, and the network is another."""
    new, pool = made.pool.split([BUDGET, len(made.pool) - BUDGET])
    labelled = torch.cat([made.labelled, new]).sort().values
    noise = torch.randn(made.seen.shape, generator=generator(made.seed, "later"))
    seen = made.seen + noise / 2
    return replace(made, pool=pool, labelled=labelled, seen=seen, seed=made.seed + 1)


# In this order, since a strategy that breaks an early one can hardly keep the later ones.
PROMISES: dict[str, Callable[[QueryStrategy], None]] = {
    "`score` returns one number for every row of the pool": _one_score_a_row,
    "scores are finite": _finite,
    "equal views score equal": _equal_views,
    "the global seed makes no difference": _global_seed,
    "the global streams stay where they are": _global_streams,
    "the view is left as it is": _view_unchanged,
    "what was scored before makes no difference": _scored_before,
    "row numbers make no difference": _row_numbers,
    "the order of the rows makes no difference": _row_order,
    "picks are distinct rows of the pool": _picks,
    "pools of 1 to 8 rows will do": _small_pools,
    "the budget may be the whole pool": _whole_pool,
    "one labelled class will do": _one_class,
    "a class may be absent from the labelled rows": _absent_class,
    "the rows of the pool may be identical": _identical_rows,
    "the features may be constant": _constant_features,
    "probabilities may be exactly 0 and 1": _sure_predictions,
    "2, 10 and 200 classes will do": _numbers_of_classes,
    "embeddings may be bfloat16": _bfloat16,
    "there may be no validation rows": _no_validation,
    "NaN in features and predictions is refused by an error that says so": _nan_refused,
    "nothing is read that `reads` does not name": _reads,
    "`notes` are ready for JSON": _notes,
    "`state_dict` holds all that is needed to go on": _state,
}
