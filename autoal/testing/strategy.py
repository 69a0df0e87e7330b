"""Checks that a query strategy keeps its promises."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.model.features import Features
from autoal.query.batch import select
from autoal.query.strategy import READABLE, QueryStrategy, Scored, as_scored
from autoal.query.view import Known, View
from autoal.seeding import generator
from autoal.testing.made import Made, make
from autoal.testing.promises import (
    about,
    demand,
    from_file,
    keep_promises,
    seed_streams,
    unmoved_streams,
)

BUDGET = 8  # of the checks that are not about the budget
# Which entry of `READABLE` allows reading which of the features.
ALLOWED_BY = {
    "inputs": "inputs",
    "texts": "texts",
    "embeddings": "embeddings",
    "stages": "stages",
    "logits": "probs",
    "probs": "probs",
    "drawn_probs": "draws",
    "logits_at": "head",
}

UNSEEN = ("inputs", "texts")  # these do not depend on the model
TRIED = frozenset({"fitted", "outcomes"})  # offered on the bench to strategies that read them


def check_strategy(strategy: QueryStrategy) -> None:
    """Raise `BrokenPromiseError` for the first of `PROMISES` that the strategy does not keep.

    The strategy itself is not changed: every check works on a copy.
    """
    keep_promises(type(strategy).__name__, strategy, PROMISES)


def _for(
    strategy: QueryStrategy, pool: int = 60, labelled: int = 12, classes: int = 3, seed: int = 0
) -> Made:
    """The parts of a view for this strategy, with everything that it says it reads."""
    reads = strategy.reads or ()
    sizes = pool, labelled, 12 if "validation" in reads else 0
    made = make(sizes, classes, stages="stages" in reads, seed=seed)
    return replace(made, tries=TRIED & set(reads))


def _raw(strategy: QueryStrategy, view: View, budget: int = BUDGET) -> Tensor:
    """The scores of a fresh copy, unchecked."""
    return _answer(strategy, view, budget).scores


def _answer(strategy: QueryStrategy, view: View, budget: int = BUDGET) -> Scored:
    """Scores, labels and notes of a fresh copy."""
    fresh = deepcopy(strategy)
    fresh.fit(view)
    return as_scored(fresh.score(view, budget))


def _scores(strategy: QueryStrategy, view: View, budget: int = BUDGET) -> Tensor:
    """The scores of a fresh copy, which must be finite, one for each row."""
    scores, rows = _raw(strategy, view, budget), len(view.pool)
    shape = tuple(scores.shape)
    demand(shape == (rows,), f"the scores of {rows} rows had the shape {shape}")
    bad = int((~scores.isfinite()).sum())
    demand(bad == 0, f"{bad} of {rows} scores were NaN or infinite")
    return scores


class _Given(QueryStrategy):
    """Gives known scores, so that picking needs no second scoring."""

    def __init__(self, scores: Tensor) -> None:
        self.scores = scores

    def score(self, view: View, budget: int) -> Tensor:
        return self.scores


def _serves(strategy: QueryStrategy, view: View, budget: int = BUDGET) -> None:
    """Demand valid scores and valid picks."""
    picks = select(_Given(_scores(strategy, view, budget)), view, budget).tolist()
    distinct = len(set(picks))
    demand(distinct == budget, f"{distinct} distinct rows, not {budget}, were picked")
    demand(set(picks) <= set(view.pool.rows.tolist()), "a row outside the pool was picked")


def _one_score_a_row(strategy: QueryStrategy) -> None:
    scores, rows = _raw(strategy, _for(strategy).view()), 60
    demand(isinstance(scores, Tensor), f"got a {type(scores).__name__}")
    demand(scores.shape == (rows,), f"got the shape {tuple(scores.shape)} for {rows} rows")


def _finite(strategy: QueryStrategy) -> None:
    scores = _raw(strategy, _for(strategy).view())
    bad = int((~scores.isfinite()).sum())
    demand(bad == 0, f"{bad} of {len(scores)} scores were NaN or infinite")


def _equal_views(strategy: QueryStrategy) -> None:
    first, second = (_scores_after(seed, strategy) for seed in (1, 1))
    demand(torch.equal(first, second), "two copies of the strategy gave different scores")


def _global_seed(strategy: QueryStrategy) -> None:
    first, second = (_scores_after(seed, strategy) for seed in (1, 2))
    broken = "other global seeds gave other scores; draw from view.generator()"
    demand(torch.equal(first, second), broken)


def _scores_after(seed: int, strategy: QueryStrategy) -> Tensor:
    """The scores after the global streams were seeded with this."""
    seed_streams(seed)
    return _scores(strategy, _for(strategy).view())


def _global_streams(strategy: QueryStrategy) -> None:
    with unmoved_streams():
        _scores(strategy, _for(strategy).view())


def _scored_before(strategy: QueryStrategy) -> None:
    view, other = _for(strategy).view(), _for(strategy, seed=1).view()
    fresh = deepcopy(strategy)
    fresh.fit(view)
    first = as_scored(fresh.score(view, BUDGET)).scores.clone()
    fresh.score(other, 3)
    again = as_scored(fresh.score(view, BUDGET)).scores
    demand(torch.equal(first, again), "the same view scored differently after another one")


def _contents(view: View) -> dict[str, Tensor]:
    """Copies of all tensors that a strategy could change."""
    found: dict[str, Tensor] = {}
    parts = {"pool": view.pool, "labelled": view.labelled.features}
    known = {"labelled": view.labelled}
    if view.validation is not None:
        parts["validation"] = view.validation.features
        known["validation"] = view.validation
    for part, rows in known.items():
        found[f"{part}.labels"] = rows.labels.clone()
    for part, features in parts.items():
        stages = ("stages",) if features.has_stages else ()
        for name in ("rows", "inputs", "embeddings", *stages, "logits", "probs", "drawn_probs"):
            found[f"{part}.{name}"] = getattr(features, name).clone()
    return found


def _view_unchanged(strategy: QueryStrategy) -> None:
    view = _for(strategy).view()
    before = _contents(view)
    _scores(strategy, view)
    changed = [name for name, now in _contents(view).items() if not torch.equal(now, before[name])]
    demand(not changed, f"{', '.join(changed)} changed while it scored")


def _near(scores: Tensor, others: Tensor) -> bool:
    """Whether they differ by no more than rounding in another order of summation can explain."""
    spread = float(scores.max() - scores.min())
    return float((scores - others).abs().max()) <= 1e-3 * spread + 1e-6


def _row_numbers(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    # Still ascending, so that draws in their order go to the same items.
    scores = _scores(strategy, replace(made, rows=7 * made.rows + 100).view())
    demand(
        _near(_scores(strategy, made.view()), scores), "the same items under other numbers differed"
    )


def _small_pools(strategy: QueryStrategy) -> None:
    for size in (1, 2, 3, 5, 8):
        for budget in sorted({1, size}):
            with about(f"with {size} rows and a budget of {budget}"):
                _serves(strategy, _for(strategy, pool=size).view(), budget)


def _whole_pool(strategy: QueryStrategy) -> None:
    _serves(strategy, _for(strategy, pool=30).view(), 30)


def _picks(strategy: QueryStrategy) -> None:
    _serves(strategy, _for(strategy).view())


def _one_class(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    only = made.labelled[made.labels[made.labelled] == 1]
    for count in (1, len(only)):
        with about(f"with {count} labelled"):
            _serves(strategy, replace(made, labelled=only[:count]).view())


def _absent_class(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    _serves(strategy, replace(made, labelled=made.labelled[made.labels[made.labelled] != 1]).view())


def _identical_rows(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    _serves(strategy, made.with_activations(made.pool, made.activations[made.pool[0]]).view())


def _constant_features(strategy: QueryStrategy) -> None:
    for value in (0.0, 1.0):
        with about(f"with all features {value:g}"):
            made = _for(strategy)
            _serves(strategy, made.with_activations(torch.arange(len(made.rows)), value).view())


def _sure_predictions(strategy: QueryStrategy) -> None:
    _serves(strategy, _for(strategy).with_head(1e4).view())


def _numbers_of_classes(strategy: QueryStrategy) -> None:
    for classes in (2, 10, 200):
        with about(f"with {classes} classes"):
            _serves(strategy, _for(strategy, classes=classes).view())


def _bfloat16(strategy: QueryStrategy) -> None:
    # torch computes the same thing in different ways for few and for many rows.
    for size in (BUDGET, 60):
        made = _for(strategy, pool=size)
        with about(f"with {size} rows"):
            _serves(strategy, replace(made, activations=made.activations.bfloat16()).view())


def _no_validation(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    try:
        _serves(strategy, replace(made, validation=made.validation[:0]).view())
    except UserError as error:  # it needs them, and says so
        demand("validation" in str(error), f"it refused with: {error}")


def _nan_refused(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    parts = {"pool": made.pool, "labelled": made.labelled, "validation": made.validation}
    for part, places in parts.items():
        telling = {(part, name) for name in ALLOWED_BY if name not in UNSEEN}
        broken = made.with_activations(places[:1], float("nan"))
        _refuses(strategy, broken, f"{part}.embeddings", telling)
    telling = {(part, name) for part in parts for name in ("logits", "probs", "drawn_probs")}
    _refuses(strategy, made.with_head(torch.nan), "all predictions", telling)


def _refuses(
    strategy: QueryStrategy, broken: Made, where: str, telling: set[tuple[str, str]]
) -> None:
    """If the strategy reads the part with the NaN, demand an error that says so."""
    view, read = _watched(broken.view())
    with about(f"with NaN in {where}"):
        said = _refusal(strategy, view)
        if read & telling:
            demand(said is not None, "it scored as if nothing were wrong")
            says_so = any(word in str(said).lower() for word in ("nan", "not finite"))
            demand(says_so, f"the error did not say so: {said}")


def _refusal(strategy: QueryStrategy, view: View) -> str | None:
    try:
        _raw(strategy, view)
    except Exception as error:
        return str(error)
    return None


class _Watched:
    """A proxy that records which attributes are read."""

    def __init__(self, watched: object, tell: Callable[[str], None]) -> None:
        self._watched = watched
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        self._tell(name)
        return getattr(self._watched, name)

    def __len__(self) -> int:
        return len(self._watched)  # type: ignore[arg-type]


def _watched(view: View) -> tuple[View, set[tuple[str, str]]]:
    """A view, and what has been read of its pool, labelled and validation rows."""
    read: set[tuple[str, str]] = set()

    def features(part: str, watched: Features) -> Any:
        def tell(name: str) -> None:
            if name in ALLOWED_BY:
                read.add((part, name))

        return _Watched(watched, tell)

    def known(part: str, watched: Known) -> Any:
        def tell(name: str) -> None:
            if name == "labels":
                read.add((part, name))

        return _Watched(replace(watched, features=features(part, watched.features)), tell)

    validation = view.validation and known("validation", view.validation)
    labelled = known("labelled", view.labelled)
    pool = features("pool", view.pool)
    watched = replace(view, pool=pool, labelled=labelled, validation=validation)
    read.clear()  # the view itself has read some
    return watched, read


def _reads(strategy: QueryStrategy) -> None:
    if strategy.reads is None:
        return
    unknown = sorted(set(strategy.reads) - set(READABLE))
    demand(not unknown, f"{unknown} is not among {READABLE}")
    made = make((60, 12, 12), 3, stages="stages" in strategy.reads, seed=0)
    view, read = _watched(replace(made, tries=TRIED & set(strategy.reads)).view())
    _answer(strategy, view)
    for part, name in sorted(read):
        needed = {ALLOWED_BY.get(name, name), part} - {"pool"}
        if part == "validation":
            needed -= {"labels"}  # they come with it
        missing = sorted(needed - set(strategy.reads))
        demand(not missing, f"it read {part}.{name}, and `reads` lacks {', '.join(missing)}")


def _notes(strategy: QueryStrategy) -> None:
    notes = _answer(strategy, _for(strategy).view()).notes
    demand(isinstance(notes, Mapping), f"got a {type(notes).__name__}, not a mapping")
    json.dumps(dict(notes), allow_nan=False)


def _suggestions(strategy: QueryStrategy) -> None:
    made = _for(strategy)
    labels = _answer(strategy, made.view()).labels
    demand((labels is None) != strategy.suggests, f"`suggests` is {strategy.suggests}")
    if labels is not None:
        demand(isinstance(labels, Tensor), f"the labels were a {type(labels).__name__}")
        shape, rows = tuple(labels.shape), len(made.pool)
        demand(shape == (rows,), f"the labels of {rows} rows had the shape {shape}")
        classes = made.head.out_features
        demand(
            labels.dtype == torch.long and bool(((labels >= 0) & (labels < classes)).all()),
            f"some labels are no classes from 0 to {classes - 1}",
        )


def _state(strategy: QueryStrategy) -> None:
    made, lived = _for(strategy), deepcopy(strategy)
    select(lived, made.view(), BUDGET)
    resumed = deepcopy(strategy)
    resumed.load_state_dict(from_file(lived.state_dict()))
    picks = [select(copy, _a_round_later(made).view(), BUDGET) for copy in (lived, resumed)]
    demand(
        torch.equal(*picks),
        "given the state, a fresh copy did not go on as the one that had gone through the round",
    )


def _a_round_later(made: Made) -> Made:
    """The view with the pool's first rows labelled, and another network."""
    new, pool = made.pool.split([BUDGET, len(made.pool) - BUDGET])
    labelled = torch.cat([made.labelled, new]).sort().values
    noise = torch.randn(made.activations.shape, generator=generator(made.seed, "later"))
    activations = made.activations + noise / 2
    return replace(made, pool=pool, labelled=labelled, activations=activations, seed=made.seed + 1)


# In this order, since a strategy that breaks an early one usually breaks later ones too.
PROMISES: dict[str, Callable[[QueryStrategy], None]] = {
    "`score` returns one number for every row of the pool": _one_score_a_row,
    "scores are finite": _finite,
    "equal views score equal": _equal_views,
    "the global seed makes no difference": _global_seed,
    "the global streams stay where they are": _global_streams,
    "the view is left as it is": _view_unchanged,
    "what was scored before makes no difference": _scored_before,
    "row numbers make no difference": _row_numbers,
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
    "notes are ready for JSON": _notes,
    "labels are classes, and `suggests` says whether there are any": _suggestions,
    "`state_dict` holds all that is needed to go on": _state,
}
