"""Strategies that follow the budget's regime: first typical rows, later doubtful ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from autoal import Scored, View
from autoal.bounds import number, whole
from autoal.maths.folds import stratified
from autoal.maths.geometry import sample
from autoal.query.batch import best_first
from autoal.query.composite import Candidates, Composite
from autoal.query.strategy import Reads

from .diversity import TypiClust
from .members import seen_by_member

# Who asks for the kind of rows whose removal hurts most.
ASKED_BY = {"typical": "typiclust", "random": "random", "atypical": "badge"}


class Tcm(Composite):
    """TypiClust for some queries, then margin (TCM: Doucet et al., 2024).

    Args:
        first: the strategy to begin with.
        then: the strategy that follows.
        queries: how many the first one makes.
    """

    reads: Reads = ("embeddings", "labelled", "probs")

    def __init__(self, first: str = "typiclust", then: str = "margin", queries: int = 3) -> None:
        whole("queries", queries, least=0)
        super().__init__(Candidates.installed({first: {}, then: {}}, section=""))
        self.first = first
        self.then = then
        self.queries = queries
        self.begun = 0  # queries, including this one

    def learn(self, view: View) -> None:
        self.begun += 1

    def score(self, view: View, budget: int) -> Scored:
        return self.in_turn(self.first if self.begun <= self.queries else self.then, view, budget)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "begun": self.begun}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.begun = state["begun"]


class SelectAl(Composite):
    """TypiClust, random or BADGE, chosen by removing labelled rows (Hacohen and Weinshall, 2023).

    The model is taught without some labelled rows of each class: the most typical, the least
    typical, or some random ones. What it misses most is what it needs: TypiClust asks for typical
    rows, BADGE for others, random for any. If all are missed equally, as with a row or two a class,
    it is TypiClust.

    Labelled rows that all lessons leave out show what it misses: each part of them judges learners
    that were taught the others minus those removed. All three removals have the same judges, and no
    class loses its last row.

    Args:
        share: share of the labelled rows to remove; at least one of each class.
        splits: parts of the labelled rows; each costs three trainings a round.
    """

    reads: Reads = ("embeddings", "fitted", "labelled", "labels", "probs")

    def __init__(self, share: float = 0.05, splits: int = 5) -> None:
        number("share", share, above=0, below=1)
        whole("splits", splits, least=2, most=1_000)
        own: Reads = ("embeddings", "fitted", "labelled", "labels")
        super().__init__(Candidates.installed(dict.fromkeys(ASKED_BY.values()), section=""), own)
        self.share = share
        self.splits = splits

    def score(self, view: View, budget: int) -> Scored:
        accuracy = view.once((self, "accuracy"), lambda: self._accuracy_without(view))
        missed = min(accuracy, key=accuracy.__getitem__)  # the first in a tie
        scores, notes, _ = self.in_turn(ASKED_BY[missed], view, budget)
        return Scored(scores, {**notes, "accuracy_without": accuracy})

    def _accuracy_without(self, view: View) -> dict[str, float]:
        """Accuracy on left-out rows of learners taught without some rows, by what was removed."""
        labels, stream = view.labelled.labels, view.generator()
        right = dict.fromkeys(ASKED_BY, 0)
        fold = stratified(labels, self.splits, torch.randperm(len(labels), generator=stream))
        for part in fold.unique().tolist() if len(labels) > 1 else []:
            lessons = self._kept(view, (fold != part).nonzero().flatten(), stream)
            found: dict[tuple[int, ...], int] = {}  # so that equal lessons are missed equally
            for name, kept in lessons.items():
                lesson = tuple(kept.tolist())
                if lesson not in found:
                    found[lesson] = _right(view, kept, fold == part)
                right[name] += found[lesson]
        return {name: count / max(1, len(labels)) for name, count in right.items()}

    def _kept(self, view: View, places: Tensor, stream: torch.Generator) -> dict[str, Tensor]:
        """The labelled rows among these places that each removal keeps, ascending."""
        count = max(1, int(self.share * len(view.labelled)) // view.classes)
        gone: dict[str, list[Tensor]] = {name: [] for name in ASKED_BY}
        for label in view.labelled.labels[places].unique():
            own = places[view.labelled.labels[places] == label]
            fewer = min(count, len(own) - 1)
            order = own[_typical_first(view, own, max(1, fewer))]
            gone["typical"].append(order[:fewer])
            gone["atypical"].append(order[len(order) - fewer :])
            gone["random"].append(own[sample(len(own), fewer, stream)])
        return {name: places[~torch.isin(places, torch.cat(parts))] for name, parts in gone.items()}


def _right(view: View, kept: Tensor, judges: Tensor) -> int:
    """How many of the judging rows a learner taught the kept rows gets right."""
    known = seen_by_member(view, kept).labelled
    return int((known.features.logits.argmax(1).cpu() == known.labels)[judges].sum())


def _typical_first(view: View, places: Tensor, clusters: int) -> Tensor:
    """The order in which TypiClust would ask for these rows if they were not labelled."""
    known, nothing = view.labelled, torch.zeros(0, dtype=torch.long)
    pool = View(known.features.take(places), known.take(nothing), view.classes, view.seed)
    return best_first(TypiClust().score(pool, clusters).scores, pool)
