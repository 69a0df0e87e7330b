"""Where rehearsals are made: the labelled rows of a view are split, and FitNet learns one part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from autoal.maths.regression import Regression, with_intercept
from autoal.model.features import Features
from autoal.query.calibration import temperature
from autoal.query.strategy import QueryStrategy, check_scores
from autoal.query.view import View
from autoal.search.rehearsal import Rehearsal
from autoal.seeding import derive, generator

Candidates = Mapping[str, QueryStrategy]
Inputs = Callable[[Features], Tensor]  # what SearchNet reads of some rows

CHOSEN = 1 / 3  # of the rows that play the pool


@dataclass(frozen=True)
class Stage:
    """How rehearsals are made.

    Args:
        count: of them.
        taught: share of the labelled rows that FitNet is trained on; of the others, half play the
            pool and half check, or, where there are validation rows, which then check, all play.
        network: FitNet is a network of the task's kind, trained once a round on one part, and not
            a head on the task's embeddings, solved for every rehearsal.
        whole: FitNet's inputs are images, for a road through the whole network.
        ridge: of the solved head.
    """

    count: int
    taught: float
    network: bool
    whole: bool
    ridge: float

    def rehearsals(self, view: View, candidates: Candidates, inputs: Inputs) -> list[Rehearsal]:
        """As many as asked for, or none if there are too few labelled rows."""
        few = view.validation is not None and len(view.validation) < self.fewest
        if few or len(view.labelled) < self.fewest + self.others(view):
            return []
        company = _Company(self, view)
        return [company.play(number, candidates, inputs) for number in range(self.count)]

    @property
    def fewest(self) -> int:
        """Rows that are taught, and that check; BatchNorm can do nothing with a single one."""
        return 2 if self.whole and self.network else 1

    def others(self, view: View) -> int:
        """Labelled rows, at least, beside the taught ones: two to choose from, and who checks."""
        return 2 + (self.fewest if view.validation is None else 0)


class _Company:
    """What the rehearsals of a round share."""

    def __init__(self, stage: Stage, view: View) -> None:
        self.stage = stage
        self.view = view
        count = len(view.labelled)
        wished = max(stage.fewest, round(stage.taught * count))
        self.size = min(count - stage.others(view), wished)
        self.order = torch.randperm(len(view.labelled), generator=generator(view.seed, "taught"))
        self.rows, self.checked = view.labelled, view.validation
        self.trained: nn.Module | None = None
        if stage.network:
            assert view.fitted is not None
            look, self.trained = view.fitted(self.order[: self.size].sort().values)
            self.rows = look(view.labelled)
            self.checked = None if self.checked is None else look(self.checked)
        # At a mean length of 1, so that the ridge means the same for all networks.
        lengths = self.rows.embeddings.float().square().sum(1)
        self.scale = 1 / max(float(lengths.mean().sqrt()), 1e-12)

    def play(self, number: int, candidates: Candidates, inputs: Inputs) -> Rehearsal:
        """Draw the parts, let FitNet learn, and let the candidates vote."""
        seed = derive(self.view.seed, "rehearsal", number)
        taught, played, checking = self._parts(seed)
        fitnet, head = self._fitnet(taught)
        rows = self.rows.take(torch.arange(len(self.rows)), head=head, seed=seed)
        view = View(
            pool=rows.take(played),
            labelled=rows.take(taught),
            labels=self.view.labels[taught],
            classes=self.view.classes,
            seed=seed,
        )
        budget = max(1, round(CHOSEN * len(played)))
        understudies = deepcopy(dict(candidates))  # what they learn here is not for the pool
        read, labels = self._read(self.rows), self.view.labels
        check, check_labels = (read[checking], labels[checking])
        if self.checked is not None and self.view.validation_labels is not None:
            check, check_labels = self._read(self.checked), self.view.validation_labels
        return Rehearsal(
            inputs=inputs(self.view.labelled.take(played)),
            votes=ballot(cooled(view), understudies, budget, fit=True),
            budget=budget,
            taught=read[taught],
            taught_labels=labels[taught],
            played=read[played],
            played_labels=labels[played],
            check=check,
            check_labels=check_labels,
            classes=self.view.classes,
            fitnet=fitnet,
        )

    def _parts(self, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """Places of the labelled rows that are taught, that play the pool, and that check."""
        order = self.order
        free = slice(self.size, None) if self.stage.network else slice(None)
        order = order.clone()
        part = order[free]
        order[free] = part[torch.randperm(len(part), generator=generator(seed, "parts"))]
        taught, rest = order[: self.size], order[self.size :]
        half = len(rest) if self.checked is not None else max(2, len(rest) // 2)
        return taught.sort().values, rest[:half].sort().values, rest[half:].sort().values

    def _fitnet(self, taught: Tensor) -> tuple[nn.Module, nn.Module]:
        """What a road trains, and the head under which the candidates see the rows."""
        if self.trained is not None:
            fitnet = self.trained if self.stage.whole else self._solved(taught)
            return deepcopy(fitnet), self.rows.head
        solved = self._solved(taught)
        scaled = deepcopy(solved)
        with torch.no_grad():
            scaled.weight.mul_(self.scale)
        return solved, scaled

    def _solved(self, taught: Tensor) -> nn.Linear:
        """The head that fits these rows best, on embeddings of mean length 1."""
        features = with_intercept(self._embeddings(self.rows)[taught])
        labels, classes = self.view.labels[taught], self.view.classes
        weights = features.new_full((len(taught),), 1 / len(taught))
        theta = Regression(features, labels, classes, weights, self.stage.ridge).minimise()
        head = nn.Linear(features.shape[1] - 1, classes)
        with torch.no_grad():
            head.weight.copy_(theta[:, :-1])
            head.bias.copy_(theta[:, -1])
        return head

    def _read(self, rows: Features) -> Tensor:
        """FitNet's inputs."""
        return (
            rows.inputs if self.stage.whole and self.trained is not None else self._embeddings(rows)
        )

    def _embeddings(self, rows: Features) -> Tensor:
        return (rows.embeddings.float() * self.scale).cpu()


class _Cooled(nn.Module):
    """A head whose logits are divided by a temperature."""

    def __init__(self, head: nn.Module, by: float) -> None:
        super().__init__()
        self.head = head
        self.by = by

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.head(embeddings) / self.by


def cooled(view: View) -> View:
    """The view with the model as sure as it may be, by temperature scaling."""
    by = temperature(view)
    if by == 1:
        return view
    head = _Cooled(view.pool.head, by)

    def cool(rows: Features) -> Features:
        return rows.take(torch.arange(len(rows)), head=head)

    return replace(view, pool=cool(view.pool), labelled=cool(view.labelled))


def ballot(view: View, candidates: Candidates, budget: int, *, fit: bool = False) -> Tensor:
    """Every candidate's vote for every row of the pool, (n, candidates) in [0, 1]."""
    votes = [_vote(*candidate, view, budget, fit) for candidate in candidates.items()]
    return torch.stack(votes, 1)


def _vote(name: str, strategy: QueryStrategy, view: View, budget: int, fit: bool) -> Tensor:
    if fit:
        strategy.fit(view)
    scores = strategy.score(view, budget)
    check_scores(f"candidate {name!r}: {type(strategy).__name__}", scores, len(view.pool))
    votes = strategy.votes(scores, view.classes).to(torch.float32).cpu()
    if votes.shape != scores.shape or not ((votes >= 0) & (votes <= 1)).all():
        raise ValueError(f"candidate {name!r}: its votes are not one number from 0 to 1 for a row")
    return votes
