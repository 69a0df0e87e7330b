"""Where rehearsals are made: the labelled rows of a view are split, and FitNet learns one part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from autoal.bounds import choice, number
from autoal.errors import UserError
from autoal.maths.regressions import Regressions
from autoal.maths.slopes import with_intercept
from autoal.model.features import Features
from autoal.query.calibration import cooled
from autoal.query.composite import Candidates
from autoal.query.view import Known, View
from autoal.search.hypergradient import OPTIMUM
from autoal.search.rehearsal import Rehearsal
from autoal.seeding import derive, generator

Inputs = Callable[[Features], Tensor]  # SearchNet's inputs for some rows
Parts = tuple[Tensor, Tensor, Tensor]  # places of the rows that teach, that play, that check

FITNETS = ("auto", "head", "network")
CHOSEN = 1 / 3  # share of the rows that play the pool


@dataclass(frozen=True)
class Stage:
    """The making of rehearsals.

    Args:
        count: how many to make.
        taught: share of the labelled rows that FitNet is trained on; of the others, half play the
            pool and half check; if validation rows check instead, all play.
        fitnet: network (of the task's kind, trained once a round on one part), head (on the task's
            embeddings, solved for every rehearsal) or auto (network if the task trains one).
        whole: the road goes through the whole FitNet, not just its head.
        ridge: penalty of the solved head.
    """

    count: int
    taught: float
    fitnet: str
    whole: bool
    ridge: float

    def __post_init__(self) -> None:
        choice("fitnet", self.fitnet, FITNETS)
        number("taught", self.taught, above=0, below=1)
        number("ridge", self.ridge, above=0)

    def rehearsals(self, view: View, candidates: Candidates, inputs: Inputs) -> list[Rehearsal]:
        """The rehearsals; none if there are too few labelled rows."""
        few = view.validation is not None and len(view.validation) < self.fewest(view)
        if few or len(view.labelled) < self.fewest(view) + self.others(view):
            return []
        company = _Company(self, view)
        seeds = [derive(view.seed, "rehearsal", number) for number in range(self.count)]
        parts = [company.parts(seed) for seed in seeds]
        heads = company.heads([taught for taught, *_ in parts])
        cast = zip(seeds, parts, heads, strict=True)
        return [company.play(*each, candidates, inputs) for each in cast]

    def trains(self, view: View) -> bool:
        """Whether FitNet is a network to train, rather than a head to solve."""
        deep = view.bench is not None and view.bench.deep
        if self.fitnet == "network" and not deep:
            raise UserError("fitnet=network: the task trains only a head; give fitnet=head or auto")
        return deep and self.fitnet != "head"

    def fewest(self, view: View) -> int:
        """The fewest rows that may teach or check; BatchNorm cannot use a single one."""
        return 2 if self.whole and self.trains(view) else 1

    def others(self, view: View) -> int:
        """The fewest labelled rows beside the taught ones: two to choose from, some to check."""
        return 2 + (self.fewest(view) if view.validation is None else 0)


class _Company:
    """The common ground of a round's rehearsals."""

    def __init__(self, stage: Stage, view: View) -> None:
        self.stage = stage
        self.view = view
        self.fitted = view  # as FitNet sees it, before its head
        self.network: nn.Module | None = None
        self.trains = stage.trains(view)
        count = len(view.labelled)
        wished = max(stage.fewest(view), round(stage.taught * count))
        self.size = min(count - stage.others(view), wished)
        self.order = torch.randperm(count, generator=generator(view.seed, "taught"))
        self.trust = trust_of(view.labelled)
        if self.trains:
            self._train()
        # Scaled to a mean length of 1, so that the ridge means the same for all networks.
        lengths = self.fitted.labelled.features.embeddings.float().square().sum(1)
        self.scale = 1 / max(float(lengths.mean().sqrt()), 1e-12)

    def play(
        self,
        seed: int,
        parts: Parts,
        solved: nn.Linear | None,
        candidates: Candidates,
        inputs: Inputs,
    ) -> Rehearsal:
        """Let the candidates vote on one part, as FitNet sees it."""
        taught, played, checking = parts
        fitnet, head = self._fitnet(solved)
        known = self.fitted.labelled
        rows = Known(known.features.under(head, seed), known.labels)
        view = cooled(
            View(rows.take(played).features, rows.take(taught), self.view.classes, seed=seed)
        )
        budget = max(1, round(CHOSEN * len(played)))
        understudies = candidates.understudies()
        understudies.fit(view)
        read, labels = self._read(known.features), known.labels
        check, check_labels = read[checking], labels[checking]
        if self.fitted.validation is not None:
            check = self._read(self.fitted.validation.features)
            check_labels = self.fitted.validation.labels
        return Rehearsal(
            inputs=inputs(self.view.labelled.take(played).features),
            votes=understudies.votes(view, budget),
            budget=budget,
            taught=read[taught],
            taught_labels=labels[taught],
            played=read[played],
            played_labels=labels[played],
            check=check,
            check_labels=check_labels,
            classes=self.view.classes,
            fitnet=fitnet,
            trust=None if self.trust is None else self.trust[torch.cat([taught, played])],
        )

    def _train(self) -> None:
        """Let a network of the task's kind learn the first of the drawn rows."""
        bench = self.view.bench
        if bench is None or bench.fitted is None:
            raise RuntimeError("a strategy that trains networks must name `fitted` in its `reads`")
        member = bench.fitted(self.order[: self.size].sort().values)
        self.fitted, self.network = self.view.seen_by(member), member.module()
        if self.stage.whole and self.network is None:
            raise UserError(
                "road=unroll and road=paper go through the training of a whole network, and this "
                "model has none to show: give road=implicit"
            )

    def parts(self, seed: int) -> Parts:
        """Places of the labelled rows that teach, that play the pool, and that check."""
        free = slice(self.size, None) if self.trains else slice(None)
        order = self.order.clone()
        part = order[free]
        order[free] = part[torch.randperm(len(part), generator=generator(seed, "parts"))]
        taught, rest = order[: self.size], order[self.size :]
        half = len(rest) if self.fitted.validation is not None else max(2, len(rest) // 2)
        return taught.sort().values, rest[:half].sort().values, rest[half:].sort().values

    def _fitnet(self, solved: nn.Linear | None) -> tuple[nn.Module, nn.Module | None]:
        """The module that a road trains, and the head through which the candidates see the rows.

        None stands for the network's own head.
        """
        if solved is None:
            assert self.network is not None
            return deepcopy(self.network), None
        if self.trains:
            return solved, None
        scaled = deepcopy(solved)
        with torch.no_grad():
            scaled.weight.mul_(self.scale)
        return solved, scaled

    def heads(self, taught: list[Tensor]) -> Sequence[nn.Linear | None]:
        """The head that fits each part best; None where the network's own head is used."""
        if self.network is not None and self.stage.whole:
            return [None] * len(taught)
        if self.trains:  # once, on one part
            return self._solved(taught[:1]) * len(taught)
        return self._solved(taught)

    def _solved(self, taught: list[Tensor]) -> list[nn.Linear]:
        """The heads that fit these rows best, on embeddings of mean length 1."""
        known, classes = self.fitted.labelled, self.view.classes
        features = with_intercept(self._embeddings(known.features))
        weights = features.new_zeros(len(taught), len(known))
        for line, places in zip(weights, taught, strict=True):
            trust = line.new_ones(len(places)) if self.trust is None else self.trust[places]
            line[places] = trust / trust.sum().clamp(min=1e-12)
        regressions = Regressions(features, known.labels, classes, self.stage.ridge)
        return [_linear(theta) for theta in regressions.minimise(weights, tolerance=OPTIMUM)]

    def _read(self, rows: Features) -> Tensor:
        """FitNet's inputs."""
        return rows.inputs if self.stage.whole and self.trains else self._embeddings(rows)

    def _embeddings(self, rows: Features) -> Tensor:
        return (rows.embeddings.float() * self.scale).cpu()


def trust_of(known: Known) -> Tensor | None:
    """How likely each label is, according to its annotators; None if nobody doubts any."""
    source = known.features.source
    if source is None or source.beliefs is None:
        return None
    beliefs = source.beliefs[known.features.rows]
    return beliefs.gather(1, known.labels.cpu()[:, None])[:, 0]


def _linear(theta: Tensor) -> nn.Linear:
    """The head with these coefficients, the last of which is the intercept."""
    head = nn.Linear(theta.shape[1] - 1, theta.shape[0])
    with torch.no_grad():
        head.weight.copy_(theta[:, :-1])
        head.bias.copy_(theta[:, -1])
    return head
