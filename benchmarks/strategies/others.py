"""The same strategies by scikit-activeml, and as their definitions are written down."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch

from autoal import View
from benchmarks.strategies.rows import CLASSES, WIDTH

Query = Callable[[View, int], object]


def theirs(name: str) -> Query | None:
    """The same strategy by scikit-activeml."""
    pool, classifier = import_module("skactiveml.pool"), import_module("skactiveml.classifier")
    linear = import_module("sklearn.linear_model").LogisticRegression(max_iter=20)
    strategies: dict[str, Any] = {
        "badge": pool.Badge,
        "coreset": pool.CoreSet,
        "entropy": lambda **seed: pool.UncertaintySampling(method="entropy", **seed),
        "least_confidence": lambda **seed: pool.UncertaintySampling(
            method="least_confident", **seed
        ),
        "margin": lambda **seed: pool.UncertaintySampling(method="margin_sampling", **seed),
        "maxherding": lambda **seed: pool.MaxHerding(metric_dict={"gamma": 1.0}, **seed),
        "probcover": pool.ProbCover,
        "random": pool.RandomSampling,
        "typiclust": pool.TypiClust,
    }
    if name not in strategies:
        return None
    prepared: dict[int, Any] = {}

    def query(view: View, budget: int) -> object:
        if id(view) not in prepared:
            parts = [view.labelled.features.embeddings, view.pool.embeddings]
            rows = torch.cat(parts).float().numpy()
            labels = np.full(len(rows), np.nan)
            labels[: len(view.labelled.labels)] = view.labelled.labels
            model = classifier.SklearnClassifier(linear, classes=list(range(CLASSES)))
            known = name in ("badge", "entropy", "least_confidence", "margin")
            extra = {"clf": model.fit(rows, labels), "fit_clf": False} if known else {}
            prepared[id(view)] = rows, labels, extra
            raise NotReady
        rows, labels, extra = prepared[id(view)]
        return strategies[name](random_state=0).query(rows, labels, batch_size=budget, **extra)

    return query


class NotReady(Exception):  # noqa: N818
    """The call only prepared what is not to be timed."""


def naive_coreset(view: View, budget: int) -> object:
    """Recomputes the distances to all centres for every pick."""
    rows, centres = view.pool.embeddings.numpy(), view.labelled.features.embeddings.numpy()
    near = np.full(len(rows), np.inf)
    picks: list[int] = []
    for centre in centres:
        near = np.minimum(near, ((rows - centre) ** 2).sum(1))
    for _ in range(budget):
        picks.append(int(near.argmax()))
        near = np.minimum(near, ((rows - rows[picks[-1]]) ** 2).sum(1))
    return picks


def naive_kmeans(view: View, budget: int) -> object:
    """scikit-learn's, and the nearest row to each centre."""
    rows = view.pool.embeddings.numpy()
    cluster = import_module("sklearn.cluster").KMeans(budget, max_iter=20, random_state=0)
    return cluster.fit_transform(rows).argmin(0)


def naive_badge(view: View, budget: int) -> object:
    """k-means++ on explicit gradients."""
    probs = view.pool.probs.numpy()
    errors = probs - np.eye(CLASSES, dtype=np.float32)[probs.argmax(1)]
    rows = (errors[:, :, None] * view.pool.embeddings.numpy()[:, None, :]).reshape(len(probs), -1)
    stream = np.random.default_rng(0)
    picks = [int((rows**2).sum(1).argmax())]
    near = np.full(len(rows), np.inf)
    for _ in range(budget - 1):
        near = np.minimum(near, ((rows - rows[picks[-1]]) ** 2).sum(1))
        picks.append(int(stream.choice(len(rows), p=near / near.sum())))
    return picks


def naive_herding(view: View, budget: int) -> object:
    """Recomputes all gains for every pick, from a kernel matrix of the pool."""
    rows, known = view.pool.embeddings.numpy(), view.labelled.features.embeddings.numpy()
    rows, known = (
        features / np.linalg.norm(features, axis=1, keepdims=True) for features in (rows, known)
    )
    kernel = np.exp(2 * (rows @ rows.T - 1))
    covered = np.exp(2 * (rows @ known.T - 1)).max(1)
    picks: list[int] = []
    for _ in range(budget):
        picks.append(int(np.maximum(kernel - covered, 0).mean(1).argmax()))
        covered = np.maximum(covered, kernel[picks[-1]])
    return picks


def naive_bait(view: View, budget: int) -> object:
    """Recomputes every row's trace for every pick, by Woodbury's identity."""
    parts = []
    for part in (view.pool, view.labelled.features):
        top = part.probs.numpy().max(1, keepdims=True)
        parts.append(part.embeddings.numpy() * np.sqrt(top * (1 - top)))
    rows, known = parts
    inverse = np.linalg.inv(known.T @ known + np.eye(WIDTH, dtype=np.float32))
    whole = rows.T @ rows / len(rows)

    def forms(rows: Any) -> tuple[Any, Any]:
        reach = inverse @ whole @ inverse
        return ((rows @ inverse) * rows).sum(1), ((rows @ reach) * rows).sum(1)

    picks: list[int] = []
    for _ in range(2 * budget):
        inside, reach = forms(rows)
        worth = reach / (1 + inside)
        worth[picks] = -1
        picks.append(int(worth.argmax()))
        step = inverse @ rows[picks[-1]]
        inverse = inverse - np.outer(step, step) / (1 + rows[picks[-1]] @ step)
    while len(picks) > budget:
        inside, reach = forms(rows[picks])
        row = rows[picks.pop(int((reach / (1 - inside)).argmin()))]
        step = inverse @ row
        inverse = inverse + np.outer(step, step) / (1 - row @ step)
    return picks


NAIVE: dict[str, Query] = {
    "badge": naive_badge,
    "bait": naive_bait,
    "coreset": naive_coreset,
    "kmeans": naive_kmeans,
    "maxherding": naive_herding,
}
