"""Questions about two rows, which order a batch: which of them is harder to tell?

The strategy offers more rows than are to be labelled. What comes first of their order is labelled,
and the others stay in the pool.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil, log

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from autoal import bounds
from autoal.data.contract import Data
from autoal.errors import UserError
from autoal.maths.strengths import strengths
from autoal.oracles.asks import Asks
from autoal.oracles.humans import disagreement_of
from autoal.oracles.question import Answers, Oracle, Question, answered, asks_people
from autoal.query.view import View
from autoal.seeding import generator

LOG_2 = log(2)
HARDEST, EASIEST = FIRST = ("hardest", "easiest")

Harder = Callable[[int, int], bool]  # whether the first of two rows is harder to tell


class Compared(Asks):
    """Has the rows of a question compared in pairs, and asks about those that come first by that.

    Rows begin in the order of how uncertain the model is of them, and meet in a tournament: whoever
    stand side by side are compared, unless they were before, and what is said moves both.

    In a simulation that row is said to be harder of which people's labels disagree more, by the
    entropy of their votes; which of two that are equal in this is a draw.

    Args:
        oracle: answers about rows; no people, who are not asked to compare any.
        ambiguity: labels of several people for each training row, by `file.npz:member` or
            `file.csv:column` each; or how hard each row is, (rows,).
        data: whose rows they labelled.
        among: rows that are offered for each one that is labelled.
        times: that each row is compared, at most; 0 leaves the order to the model.
        price: of a comparison, in what a label costs.
        wrong: share of the comparisons that say the opposite.
        first: what is labelled, the `hardest` rows or the `easiest`.
        seed: of errors and draws.
    """

    name = "compared"

    def __init__(
        self,
        oracle: Oracle,
        ambiguity: list[str] | Tensor | None = None,
        data: Data | None = None,
        among: int = 2,
        times: int = 2,
        price: float = 0.1,
        wrong: float = 0.1,
        first: str = HARDEST,
        seed: int = 0,
    ) -> None:
        super().__init__(oracle)
        bounds.whole("among", among, least=2)
        bounds.whole("times", times, least=0)
        bounds.number("price", price, least=0)
        bounds.number("wrong", wrong, least=0, most=1)
        bounds.choice("first", first, FIRST)
        bounds.whole("seed", seed, least=0)
        self.among = among
        self.times = times
        self.price = price
        self.wrong = wrong
        self.first = first
        self.seed = seed
        self._ambiguity = _simulated(oracle, ambiguity, data)

    def __call__(self, question: Question) -> Answers:
        if question.view is None:  # no model tells yet which rows are worth comparing
            return answered(self.oracle, question)
        held = Tournament(question.rows.tolist(), doubts(question.rows, question.view))
        for _ in range(self.times):
            held.go_on(self._harder)
        order = held.strengths.argsort(descending=self.first == HARDEST, stable=True)
        chosen, rest = order.tensor_split([ceil(len(order) / self.among)])
        answers = answered(self.oracle, question.of(chosen))
        noted = {"price": self.price, "gain": held.gain, "harder": held.told}
        return replace(
            answers,
            later=answers.later | {*question.rows[rest].tolist()},
            beside=answers.beside + self.price * len(held.told),
            notes={**answers.notes, self.name: noted},
        )

    def _harder(self, one: int, other: int) -> bool:
        """What is said of two rows, whichever comes first: it depends on the seed and the pair."""
        low, high = sorted((one, other))
        if high >= len(self._ambiguity):
            raise UserError(f"row {high} has no labels by people to compare it by: it was made")
        gap = float(self._ambiguity[low] - self._ambiguity[high])
        chance = 0.5 if not gap else 1 - self.wrong if gap > 0 else self.wrong
        draw = torch.rand(1, generator=generator(self.seed, "compared", low, high))
        return (float(draw) < chance) == (one == low)


class Tournament:
    """Rows that are compared, and how hard each is by what was said so far.

    Args:
        rows: numbers of them.
        prior: how hard each is by the model, (rows,).
    """

    def __init__(self, rows: Sequence[int], prior: Tensor) -> None:
        self.rows = rows
        self.strengths = self._prior = prior
        self.told: list[list[int]] = []  # of two rows each the harder one, and the other
        self._met: list[tuple[int, int]] = []  # their places
        self._bits: list[float] = []

    @property
    def gain(self) -> float:
        """The bits that an answer told on average, by the strengths before it; of none, 0."""
        return sum(self._bits) / len(self._bits) if self._bits else 0.0

    def go_on(self, harder: Harder) -> None:
        """Compare each row once more, as far as there is another one that it has not met."""
        pairs = neighbours(self.strengths.argsort(descending=True, stable=True).tolist(), self._met)
        for one, other in pairs:
            self._bits.append(bits(float(self.strengths[one] - self.strengths[other])))
            won = harder(self.rows[one], self.rows[other])
            self._met.append((one, other) if won else (other, one))
        self.told = [[self.rows[place] for place in pair] for pair in self._met]
        met = torch.tensor(self._met, dtype=torch.long).reshape(-1, 2)
        self.strengths = strengths(self._prior, met[:, 0], met[:, 1])


def neighbours(order: Sequence[int], met: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each with the next in the order that it has not met; who finds nobody is left out."""
    before, left = {frozenset(pair) for pair in met}, [*order]
    found = []
    while left:
        one = left.pop(0)
        other = next((each for each in left if frozenset((one, each)) not in before), None)
        if other is not None:
            left.remove(other)
            found.append((one, other))
    return found


def bits(difference: float) -> float:
    """What it tells on average who wins, h(s(difference)) bits, where s is the logistic one."""
    chance = torch.tensor(difference, dtype=torch.float64).sigmoid()
    return float(binary_cross_entropy(chance, chance)) / LOG_2


def doubts(rows: Tensor, view: View) -> Tensor:
    """How uncertain the model is of rows: their entropies, in deviations from the mean."""
    probs = view.pool.probs[view.pool.places(rows)].cpu()
    entropies = torch.special.entr(probs.double()).sum(1)
    spread = entropies.std(correction=0)
    return (entropies - entropies.mean()) / (spread if spread > 0 else 1.0)


def _simulated(oracle: Oracle, ambiguity: list[str] | Tensor | None, data: Data | None) -> Tensor:
    """How hard each row is, (rows,); people, and what nothing tells, are refused."""
    if asks_people(oracle):
        raise UserError(
            "questions=compared is simulated, and people are asked about classes alone: leave it "
            "out, or let the data answer by oracle=truth"
        )
    if isinstance(ambiguity, Tensor):
        return ambiguity
    places = ambiguity if isinstance(ambiguity, list) else []
    if len(places) < 2 or not all(isinstance(each, str) for each in places) or data is None:
        raise UserError(
            "questions=compared goes by how much people disagree of each row: give "
            "questions.ambiguity=[file.npz:member,...] with the labels of two of them at least"
        )
    data.setup()
    return disagreement_of(places, data.train, data.classes)
