"""Strategies that learn, from query to query, which other strategies to ask."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from math import log, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autoal import Known, Scored, View, from_order
from autoal.bounds import number, whole
from autoal.maths.draws import by_chances
from autoal.query.composite import Candidates, Composite
from autoal.query.strategy import Reads

# One for every regime of the budget, and chance.
CANDIDATES: dict[str, dict[str, Any]] = {
    "random": {},
    "typiclust": {},
    "uherding": {},
    "badge": {},
    "margin": {},
}
READS: Reads = ("embeddings", "labelled", "labels", "probs", "validation")  # with these candidates
Options = Mapping[str, Mapping[str, Any] | None] | None


class _Bandit(Composite):
    """Learns from the labels of the rows it asked for, which arrive by the next round.

    Args:
        candidates: options of each, by its installed name; None: the default ones.
        reads: what the bandit reads itself.
    """

    def __init__(self, candidates: Options, reads: Reads) -> None:
        chosen = CANDIDATES if candidates is None else candidates
        super().__init__(Candidates.installed(chosen), reads)
        self._asked: dict[str, Tensor] = {}  # by the last query: its `rows`, and facts about each

    def learn(self, view: View) -> None:
        if self._asked:
            self.reward(view, **self._asked)

    @abstractmethod
    def reward(self, view: View, *, rows: Tensor, **facts: Tensor) -> None:
        """Learn from the outcome of the last query, some of whose rows may have been declined."""

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "asked": self._asked}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._asked = state["asked"]


class Tailor(_Bandit):
    """Thompson sampling of the candidate that picks each row (TAILOR: Zhang et al., 2023).

    A Dirichlet distribution over classes describes what each candidate finds, by the labels of what
    it asked for so far. For each row of the batch one draw is made for every candidate, and the
    candidate whose draw is worth most asks for its next row: a class is worth 1 / the number of its
    labelled rows, or minus that if it has more than half of all labelled rows. Rows that stay
    unlabelled do not count.

    Args:
        candidates: options of each, by its installed name.
        decay: how fast knowledge fades with every batch.
    """

    reads = READS

    def __init__(self, candidates: Options = None, decay: float = 0.9) -> None:
        number("decay", decay, above=0, most=1)
        super().__init__(candidates, ("labelled", "labels"))
        self.decay = decay
        self.tallies = torch.ones(len(self.candidates), 0, dtype=torch.double)  # of each class

    def score(self, view: View, budget: int) -> Scored:
        worth = _worth(view.labelled.labels, view.classes)
        arms = self._drawn(view, worth, budget).argmax(0)
        batches = [*self.candidates.batches(view, budget).values()]
        picks = _taking_turns(batches, arms)
        self._asked = {"rows": view.pool.rows[picks], "arms": arms}
        asked = arms.bincount(minlength=len(batches))
        notes = {"asked": self.by_name(asked), "weights": self.by_name(asked / budget)}
        return Scored(from_order(picks, torch.zeros(len(view.pool))), notes)

    def reward(self, view: View, *, rows: Tensor, **facts: Tensor) -> None:
        told, labels = _answers(view.labelled, rows)
        found = torch.zeros(len(self.candidates), view.classes, dtype=torch.double)
        once = torch.ones(len(labels), dtype=torch.double)
        found.index_put_((facts["arms"][told], labels), once, accumulate=True)
        self.tallies = self.decay * self._tallies(view.classes) + found

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "tallies": self.tallies}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.tallies = state["tallies"]

    def _tallies(self, classes: int) -> Tensor:
        """Tallies of each candidate and class; 1 for a class not seen before."""
        tallies = torch.ones(len(self.candidates), classes, dtype=torch.double)
        tallies[:, : self.tallies.shape[1]] = self.tallies
        return tallies

    def _drawn(self, view: View, worth: Tensor, budget: int) -> Tensor:
        """The worth of each candidate's next row in `budget` draws, (candidates, budget)."""
        seed = int(torch.randint(1 << 53, (1,), generator=view.generator()))
        chance, shape = np.random.default_rng(seed), (1 + self._tallies(view.classes)).numpy()
        draws = [chance.dirichlet(alpha, size=budget) for alpha in shape]
        return torch.stack([torch.from_numpy(draw) @ worth for draw in draws])


class Albl(_Bandit):
    """A bandit rewarded by weighted accuracy: Exp4.P (ALBL: Hsu and Lin, 2015).

    Every candidate proposes a batch, and a row is drawn with the total probability of the
    candidates that propose it. The accuracy on all rows asked for, each weighted by 1 / its
    probability, estimates the accuracy on everything proposed. This reward goes to the proposals in
    proportion to their agreement with the drawn rows, plus a bonus for candidates of low
    probability.

    Args:
        candidates: options of each, by its installed name.
        horizon: expected number of queries; the more, the smaller each candidate's guaranteed
            probability, sqrt(ln(candidates) / (candidates * horizon)).
        delta: probability with which the bandit may do worse than it promises.
    """

    reads = READS

    def __init__(self, candidates: Options = None, horizon: int = 20, delta: float = 0.1) -> None:
        whole("horizon", horizon, least=1)
        number("delta", delta, above=0, below=1)
        super().__init__(candidates, ("labelled", "labels", "probs"))
        count = len(self.candidates)
        self.least = min(1 / count, sqrt(log(count) / (count * horizon)))
        self.bonus = sqrt(log(count / delta) / (count * horizon))
        self.merits = torch.zeros(count, dtype=torch.double)  # logarithms of Exp4.P's weights
        self.paid: float | None = None  # reward of the last query
        self._past = {
            "rows": torch.zeros(0, dtype=torch.long),
            "importance": torch.zeros(0, dtype=torch.double),
        }

    def score(self, view: View, budget: int) -> Scored:
        proposed = torch.zeros(len(view.pool), len(self.candidates), dtype=torch.double)
        for column, batch in enumerate(self.candidates.batches(view, budget).values()):
            proposed[batch, column] = 1
        say = self._say()
        chances = proposed @ say
        picks = by_chances(chances, view.generator())
        self._asked = {
            "rows": view.pool.rows[picks],
            "importance": 1 / chances[picks],
            "proposed": proposed[picks],
        }
        notes = {"weights": self.by_name(say), "paid": self.paid}
        return Scored(from_order(picks, chances.float()), notes)

    def reward(self, view: View, *, rows: Tensor, **facts: Tensor) -> None:
        importance, proposed = facts["importance"], facts["proposed"]
        self._past = {
            "rows": torch.cat([self._past["rows"], rows]),
            "importance": torch.cat([self._past["importance"], importance]),
        }
        self.paid = self._accuracy(view)
        if self.paid is not None:
            agreement = (importance[:, None] * proposed).mean(0)
            gains = self.paid * agreement + self.bonus / self._say()
            merits = self.merits + self.least / 2 * gains
            self.merits = merits - merits.max()  # only differences count

    def state_dict(self) -> dict[str, Any]:
        own = {"merits": self.merits, "paid": self.paid, "past": self._past}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.merits, self.paid, self._past = state["merits"], state["paid"], state["past"]

    def _say(self) -> Tensor:
        """The probability of each candidate, (candidates,)."""
        return (1 - len(self.merits) * self.least) * self.merits.softmax(0) + self.least

    def _accuracy(self, view: View) -> float | None:
        """Accuracy on all rows asked for and labelled; None if there are none."""
        told, labels = _answers(view.labelled, self._past["rows"])
        if not len(labels):
            return None
        known, rows = view.labelled.features, self._past["rows"][told]
        predicted = known.logits.argmax(1).cpu()[known.places(rows)]
        importance = self._past["importance"][told]
        return float(importance @ (predicted == labels).double() / importance.sum())


def _worth(labels: Tensor, classes: int) -> Tensor:
    """The worth of a row of each class, by how many are labelled, (classes,)."""
    counts = labels.bincount(minlength=classes).double()
    return (1 / counts.clamp(min=1)) * torch.where(counts > counts.sum() / 2, -1.0, 1.0)


def _taking_turns(batches: Sequence[Tensor], arms: Tensor) -> list[int]:
    """The owners' next rows that nobody has asked for yet, in this order of turns."""
    left = [iter(batch.tolist()) for batch in batches]
    picks: dict[int, None] = {}
    for arm in arms.tolist():
        picks[next(row for row in left[arm] if row not in picks)] = None
    return [*picks]


def _answers(known: Known, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Those of these rows that are labelled, (rows,) bool, and their labels."""
    told = torch.isin(rows, known.features.rows)
    return told, known.labels[known.features.places(rows[told])]
