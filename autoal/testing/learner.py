"""Checks that a learner keeps its promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import isfinite

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.model.features import Features
from autoal.model.fitstep import unwatched
from autoal.model.learner import Learner
from autoal.seeding import seeded
from autoal.testing.promises import about, demand, from_file, keep_promises, unmoved_streams

MOST = 40  # the number of the pool's rows that the checks look at


def check_learner(build: Callable[[], Learner], data: Data) -> None:
    """Raise `BrokenPromiseError` for the first promise that a learner does not keep.

    Args:
        build: a fresh learner at every call.
        data: rows that it can learn from, with labels and a test set; small ones are faster.
    """
    data.setup()
    with about("when it was built"):
        learner = build()
        kind = type(learner).__name__
        demand(isinstance(learner, Learner), f"{kind} is no Learner; a Task becomes one: Trained")
    checks = {promise: partial(check, data) for promise, check in PROMISES.items()}
    keep_promises(kind, build, checks)


def _numbers(data: Data) -> Tensor:
    return torch.arange(min(MOST, len(data.train)))


def _taught(learner: Learner, rows: Rows, seed: int = 0, *, first: bool = True) -> int:
    with seeded(seed, "check"):
        return learner.fit(rows, first=first, watch=unwatched)


def _lesson(data: Data, count: int | None = None) -> Rows:
    numbers = _numbers(data)
    return data.train.take(numbers if count is None else numbers[:count])


def _look(learner: Learner, data: Data, numbers: Tensor | None = None) -> Features:
    rows = _numbers(data) if numbers is None else numbers
    return learner.look(data.train.without_labels(), rows, 0)


def _learns(data: Data, build: Callable[[], Learner]) -> None:
    learner = build()
    steps = _taught(learner, _lesson(data))
    demand(isinstance(steps, int) and steps >= 0, f"`fit` returned {steps!r}")


def _tested(data: Data, build: Callable[[], Learner]) -> None:
    learner = build()
    _taught(learner, _lesson(data))
    metrics = learner.test(data.test or data.train)
    for name in ("accuracy", "nll"):
        demand(name in metrics, f"`test` gives no {name}, only {sorted(metrics)}")
    odd = [name for name, value in metrics.items() if not isinstance(value, float)]
    demand(not odd, f"{odd} are no floats")
    demand(all(map(isfinite, metrics.values())), f"a metric is not finite: {metrics}")


def _looks(data: Data, build: Callable[[], Learner]) -> None:
    learner, rows, classes = build(), _numbers(data), len(data.classes)
    _taught(learner, _lesson(data))
    features = _look(learner, data)
    demand(torch.equal(features.rows, rows), "the features are of other rows than were asked for")
    demand(
        features.probs.shape == (len(rows), classes), f"{tuple(features.probs.shape)} predictions"
    )
    sums = features.probs.sum(1)
    demand(bool((sums - 1).abs().max() < 1e-4), "probabilities do not sum to 1")
    demand(features.embeddings.ndim == 2, f"embeddings of {tuple(features.embeddings.shape)}")
    demand(len(features.embeddings) == len(rows), "there is not one embedding for each row")
    if learner.draws:
        drawn = features.drawn_probs
        demand(drawn.ndim == 3 and drawn.shape[1:] == features.probs.shape, "draws are misshapen")


def _some_rows(data: Data, build: Callable[[], Learner]) -> None:
    learner = build()
    _taught(learner, _lesson(data))
    some = _numbers(data)[1::3]
    expected = _look(learner, data).probs[some]
    found = _look(learner, data, some).probs
    demand(bool((found - expected).abs().max() < 1e-3), "rows looked at alone were seen otherwise")


def _snapshot(data: Data, build: Callable[[], Learner]) -> None:
    learner = build()
    _taught(learner, _lesson(data))
    expected, unread = _look(learner, data).probs, _look(learner, data)
    _taught(learner, _lesson(data, len(_numbers(data)) // 2), seed=1, first=False)
    demand(_near(unread.probs, expected), "later training changed what was looked at before")


def _same_seed(data: Data, build: Callable[[], Learner]) -> None:
    one, two = build(), build()
    for learner in (one, two):
        torch.rand(3)  # earlier draws must not matter
        _taught(learner, _lesson(data))
    demand(
        torch.equal(_look(one, data).probs, _look(two, data).probs),
        "the same rows and the same global seed taught two learners different things",
    )


def _first(data: Data, build: Callable[[], Learner]) -> None:
    fresh, used = build(), build()
    _taught(used, _lesson(data, len(_numbers(data)) // 2), seed=1)
    for learner in (fresh, used):
        _taught(learner, _lesson(data))
    demand(
        _near(_look(fresh, data).probs, _look(used, data).probs),
        "with first=True, what was learnt before made a difference",
    )


def _independent(data: Data, build: Callable[[], Learner]) -> None:
    learner = build()
    _taught(learner, _lesson(data))
    expected = _look(learner, data).probs
    member = learner.fresh(0.5)
    _taught(member, _lesson(data, len(_numbers(data)) // 2), seed=1)
    demand(_near(_look(learner, data).probs, expected), "teaching a `fresh` one changed this one")
    again = build()
    _taught(again, _lesson(data))
    demand(_near(_look(again, data).probs, expected), "a `fresh` one changed how others learn")


def _state(data: Data, build: Callable[[], Learner]) -> None:
    learner = build()
    _taught(learner, _lesson(data))
    resumed = build()
    resumed.load_state_dict(from_file(learner.state_dict()))
    demand(
        _near(_look(resumed, data).probs, _look(learner, data).probs),
        "given the state, a fresh one predicts otherwise",
    )


def _looking_draws_nothing(data: Data, build: Callable[[], Learner]) -> None:
    learner = build()
    _taught(learner, _lesson(data))
    with unmoved_streams():
        features = _look(learner, data)
        _ = features.probs, features.drawn_probs if learner.draws else None
        learner.test(data.test or data.train)


def _few(data: Data, build: Callable[[], Learner]) -> None:
    labels = data.train.labels[_numbers(data)]
    one_class = (labels == labels[0]).nonzero().flatten()
    for case, rows in {"one row": one_class[:1], "one class": one_class}.items():
        with about(f"with {case}"):
            learner = build()
            _taught(learner, data.train.take(rows))
            probs = _look(learner, data).probs
            demand(bool(probs.isfinite().all()), "predictions were not finite")


def _believes(data: Data, build: Callable[[], Learner]) -> None:
    if not build().believes:
        return
    labels, classes = data.train.labels[_numbers(data)], len(data.classes)
    right = _taught_beliefs(data, build, labels)
    wrong = _taught_beliefs(data, build, (labels + 1) % classes)
    told = right.gather(1, labels[:, None]) - wrong.gather(1, labels[:, None])
    demand(float(told.mean()) > 0, "rows of which all classes but one are ruled out teach it not")


def _taught_beliefs(data: Data, build: Callable[[], Learner], left: Tensor) -> Tensor:
    """The predictions if only this class is left for each row, and one row of each is labelled."""
    rows, classes = _lesson(data), len(data.classes)
    beliefs = one_hot(left, classes).double()
    named = [(rows.labels == label).nonzero()[:1, 0] for label in range(classes)]
    some = torch.cat(named)
    partly = replace(rows.without_labels(), beliefs=beliefs).with_labels(some, rows.labels[some])
    learner = build()
    _taught(learner, partly)
    return _look(learner, data).probs.cpu()


def _headed(data: Data, build: Callable[[], Learner]) -> None:
    learner = build()
    _taught(learner, _lesson(data))
    if not learner.headed:
        return
    features = _look(learner, data)
    again = features.logits_at(features.embeddings).softmax(1)
    demand(_near(again, features.probs, 1e-3), "`logits_at` the embeddings predicts otherwise")


def _module(data: Data, build: Callable[[], Learner]) -> None:
    learner = build()
    _taught(learner, _lesson(data))
    module = learner.module()
    if module is None:
        return
    rows = _numbers(data)
    with torch.no_grad():
        logits = module.eval()(data.train.inputs[rows])
    expected = _look(learner, data).probs
    demand(
        _near(logits.float().softmax(1).cpu(), expected.cpu(), 1e-2),
        "`module` predicts otherwise from the rows as they are stored",
    )


def _near(one: Tensor, two: Tensor, tolerance: float = 1e-5) -> bool:
    return bool((one - two).abs().max() <= tolerance)


PROMISES: dict[str, Callable[[Data, Callable[[], Learner]], None]] = {
    "`fit` learns and returns its steps": _learns,
    "`test` gives finite metrics, accuracy and nll among them": _tested,
    "`look` gives embeddings and predictions of the rows asked for": _looks,
    "a row is seen the same whoever stands beside it": _some_rows,
    "what was looked at stays, though it is read later": _snapshot,
    "the global seed decides what is learnt": _same_seed,
    "with first=True, nothing that was learnt before counts": _first,
    "`fresh` gives an independent learner": _independent,
    "`state_dict` holds all that was learnt": _state,
    "looking and testing draw nothing": _looking_draws_nothing,
    "one row or one class will do": _few,
    "where it `believes`, what a row is not teaches what it is": _believes,
    "`logits_at`, where it is `headed`, predicts the same": _headed,
    "`module`, where there is one, predicts the same": _module,
}
