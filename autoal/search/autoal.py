"""AutoAL: a query strategy made of query strategies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from autoal.bounds import choice, number, whole
from autoal.errors import UserError, unknown
from autoal.maths.geometry import sample, unit
from autoal.model.features import Features
from autoal.model.training import Training
from autoal.plugins import STRATEGIES
from autoal.progress import progress
from autoal.query.batch import best_first
from autoal.query.calibration import cooled
from autoal.query.composite import Candidates, Composite
from autoal.query.strategy import Facts, Reads, Scored
from autoal.query.view import View
from autoal.search.compose import Composition
from autoal.search.hypergradient import Implicit, Road, Unroll
from autoal.search.paper import Paper
from autoal.search.rehearsal import Rehearsal
from autoal.search.relax import RELAXATIONS
from autoal.search.search import PIECE, Search
from autoal.search.searchnet import SEARCHNETS, ImageWeights, RowWeights, SearchNet, SharedWeights
from autoal.search.stage import Stage
from autoal.seeding import generator, seeded

# The paper's seven, and the strongest newer ones.
CANDIDATES: dict[str, dict[str, Any]] = {
    "entropy": {},
    "margin": {},
    "least_confidence": {},
    "kmeans": {},
    "bald": {},
    "var_ratio": {},
    "mean_std": {},
    "uherding": {},
    "typiclust": {},
    "badge": {},
    "salutary": {"folds": 5},
}
PRIOR = {"margin": 0.9}
UNROLL: dict[str, Any] = {"steps": 3, "learning_rate": 0.1}
PAPER: dict[str, Any] = {"warmup": 0, "loss_prediction": False}
LARGE = 10_000_000  # multiplications from which it pays to wake other threads
CHOICE = 10  # rows to look at for each row of the batch, at least


class AutoAL(Composite):
    """The mixture of candidate strategies that a differentiable search finds (AutoAL, 2025).

    Labelled rows rehearse queries: FitNet learns a part of them, the candidates vote on another
    part, and SearchNet's weights of the votes move so that FitNet, trained on what they choose,
    does better on a third. The votes on the pool, under these weights, say what each row is worth,
    and the batch covers the rows of greatest worth.

    Args:
        candidates: options of each candidate, by its installed name.
        prior: shares of the weights before any evidence; the other candidates divide the rest
            evenly.
        pull: the prior's pull against the evidence, in standard errors; falls as rounds add up.
        compose: herding (the batch covers the pool, weighted by worth), topk (the rows worth most)
            or power (drawn by worth).
        searchnet: shared (one weight vector), rows (weights from a row's embedding and votes) or
            images (weights from a row's image, by a ResNet-18: the paper).
        fitnet: network (of the task's kind, trained once a round), head (on the task's embeddings,
            solved for every rehearsal) or auto (network if the task trains more than a head).
        road: the way from the loss on checked rows back to the weights: implicit (FitNet's head,
            solved and differentiated exactly), unroll (some steps of its training) or paper (the
            published min-max).
        unroll: options of that road: FitNet's steps, and their learning_rate.
        paper: options of that road: warmup (epochs of FitNet before the turns) and loss_prediction
            (SearchNet sees the losses predicted by a head on FitNet's stages, not the true losses).
        relaxation: top or mixture.
        rehearsals: number in every round; searchnet=rows or images needs more, such as 16.
        taught: share of the labelled rows that FitNet learns.
        steps: SearchNet's steps in every round; 0: no search, the weights stay at the prior.
        learning_rate: SearchNet's.
        ridge: penalty of FitNet's solved head.
        sharpness: for herding: a row counts by its worth to this power.
        width: of herding's kernel; 0: the distance of the pool's rows from labelled ones.
        space: for herding: embedded (rows with similar embeddings are near) or predicted (rows must
            also have similar predictions).
        sample: how many rows to draw from a larger pool and look at; at least ten for each row of
            the batch.
    """

    # With the default candidates; other choices state what they read.
    reads: Reads = (
        *("draws", "embeddings", "fitted", "inputs", "labelled", "labels", "probs", "training"),
        "validation",
    )

    def __init__(
        self,
        candidates: Mapping[str, Mapping[str, Any] | None] | None = None,
        prior: Mapping[str, float] | None = None,
        pull: float = 4.0,
        compose: str = "herding",
        searchnet: str = "shared",
        fitnet: str = "auto",
        road: str = "implicit",
        unroll: dict[str, Any] = UNROLL,  # nobody writes to it
        paper: dict[str, Any] = PAPER,
        relaxation: str = "top",
        rehearsals: int = 8,
        taught: float = 0.5,
        steps: int = 12,
        learning_rate: float = 0.125,
        ridge: float = 1e-3,
        sharpness: float = 2.0,
        width: float = 0.0,
        space: str = "predicted",
        sample: int = 10_000,
    ) -> None:
        choice("searchnet", searchnet, SEARCHNETS)
        choice("relaxation", relaxation, RELAXATIONS)
        number("pull", pull, least=0)
        # Fewer would never agree on so many parameters.
        whole("rehearsals", rehearsals, least=2 if searchnet == "shared" else 4, most=1_000)
        whole("steps", steps, least=0, most=100_000)
        number("learning_rate", learning_rate, above=0)
        whole("sample", sample, least=1)
        super().__init__(Candidates.installed(CANDIDATES if candidates is None else candidates))
        self.prior = _shares(PRIOR if prior is None else prior, list(self.candidates))
        self.composition = Composition(compose, sharpness, width, space)
        self.stage = Stage(rehearsals, taught, fitnet, road != "implicit", ridge)
        self.kind = searchnet
        self.road = _road(road, ridge, {**UNROLL, **unroll}, {**PAPER, **paper})
        self.relaxation = relaxation
        self.pull = pull
        self.steps = steps
        self.learning_rate = learning_rate
        self.sample = sample
        self.reads = self._readable()
        self.rounds = 0  # that had a search
        self.searchnet: SearchNet | None = None
        self._saved_weights: dict[str, Tensor] | None = None  # of a SearchNet not built yet
        self._found: dict[str, Any] = {}  # what the last search says

    def check(self, facts: Facts) -> None:
        if self.kind == "images" and not facts.pictures:
            raise UserError(
                "searchnet=images reads pictures, and these rows are none; give shared or rows"
            )
        if self.stage.fitnet == "network" and not facts.deep:
            raise UserError("fitnet=network: the task trains only a head; give fitnet=head or auto")
        self.candidates.check(facts)
        if self.steps:  # validation rows check rehearsals, and may take no part in the choice
            self.candidates.check(replace(facts, validation=None), "in rehearsals: ")

    def fit(self, view: View) -> None:
        if view.seed == self._seen:
            return
        self._seen = view.seed
        phase = nullcontext() if view.bench is None else view.bench.phase("search")
        with phase, seeded(view.seed, "search"):
            self.candidates.fit(cooled(view))  # on the whole pool, a part of which is scored
            self._found = self._search(view)

    def score(self, view: View, budget: int) -> Scored:
        places = self._sampled(view, budget)
        seen = cooled(_among(view, places))
        votes = self.candidates.votes(seen, budget)
        weights = self._weights(seen, votes)
        worth = self.composition.scores(seen, (weights * votes).sum(1), budget)
        scores = _lowest_elsewhere(worth, places, len(view.pool))
        batch = torch.searchsorted(places, best_first(scores, view)[:budget])
        own = torch.stack([best_first(column, seen)[:budget] for column in votes.T])
        mixture = _mixture(list(self.candidates), weights, votes, batch, own)
        looked = {"sample": len(places)} if len(places) < len(view.pool) else {}
        return Scored(scores, {**self._found, **mixture, **looked})

    def _sampled(self, view: View, budget: int) -> Tensor:
        """The places of the pool to look at, ascending."""
        count = max(self.sample, CHOICE * budget)
        return sample(len(view.pool), count, generator(view.seed, "sample")).sort().values

    def state_dict(self) -> dict[str, Any]:
        weights = self._saved_weights if self.searchnet is None else self.searchnet.state_dict()
        return {
            "rounds": self.rounds,
            "searched": self._seen,
            "searchnet": weights,
            "candidates": self.candidates.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rounds, self._seen = state["rounds"], state["searched"]
        self.searchnet, self._saved_weights = None, state["searchnet"]
        self.candidates.load_state_dict(state["candidates"])

    @torch.no_grad()
    def _weights(self, view: View, votes: Tensor) -> Tensor:
        """SearchNet's weights for every row of the pool, (n, candidates)."""
        device = _exactly(view, small=self.kind != "images").device
        net = self._net(view).to(device)
        inputs = self._inputs(view.pool)
        parts = zip(inputs.split(PIECE), votes.split(PIECE), strict=True)
        weights = torch.cat([net(*(part.to(device) for part in pair)).cpu() for pair in parts])
        net.cpu()
        return weights

    def _search(self, view: View) -> dict[str, Any]:
        """Let SearchNet learn from this round's rehearsals."""
        plays = self.stage.rehearsals(view, self.candidates, self._inputs) if self.steps else []
        if not plays:
            return {}
        self.rounds += 1
        small = not (self.stage.whole and self.stage.trains(view))  # heads
        with (
            single_thread() if small and _product(plays) < LARGE else nullcontext(),
            progress("the search", self.steps, "steps") as advance,
        ):
            search = Search(
                self._net(view),
                self.road(),
                plays,
                relaxation=self.relaxation,
                steps=self.steps,
                learning_rate=self.learning_rate,
                pull=self.pull / math.sqrt(self.rounds),
                advance=advance,
            )
            before = search.check_loss()
            _exactly(view, small=small).optimise(search)
            after = search.check_loss()
        return {
            "gradient": sum(search.gradients) / len(search.gradients),
            "check_before": before,
            "check_after": after,
        }

    def _net(self, view: View) -> SearchNet:
        if self.searchnet is None:
            with seeded(view.seed, "searchnet"):
                self.searchnet = self._fresh(view)
            if self._saved_weights is not None:
                self.searchnet.load_state_dict(self._saved_weights)
        return self.searchnet.eval()

    def _fresh(self, view: View) -> SearchNet:
        if self.kind == "shared":
            return SharedWeights(self.prior)
        if self.kind == "rows":
            return RowWeights(self.prior, view.pool.width)
        return ImageWeights(self.prior, view.labelled.features.inputs.shape[1])

    def _inputs(self, rows: Features) -> Tensor:
        """SearchNet's inputs."""
        if self.kind == "shared":
            return torch.empty(len(rows), 0)
        if self.kind == "rows":
            return unit(rows.embeddings).cpu()
        return rows.inputs.cpu()

    def _readable(self) -> Reads:
        """Everything that the candidates and the search read."""
        own = {"embeddings", "probs", "labelled", "labels", "validation", "training"}
        own |= {"inputs"} if self.kind == "images" else set()
        own |= {"inputs", "fitted"} if self.stage.fitnet != "head" else set()
        return tuple(sorted(own | self.candidates.reads()))


def _among(view: View, places: Tensor) -> View:
    """The view with these places of its pool; the view itself if they are all."""
    if len(places) == len(view.pool):
        return view
    return view.once(("among", len(places)), lambda: view.among(places))


def _lowest_elsewhere(scores: Tensor, places: Tensor, size: int) -> Tensor:
    """Scores of a whole pool, given those of the rows at these places; all others rank below."""
    found = scores.new_full((size,), float(scores.min()) - 1)
    found[places.to(found.device)] = scores
    return found


@contextmanager
def single_thread() -> Iterator[None]:
    """Run on one thread: waking others takes longer than it saves on small products."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _product(plays: list[Rehearsal]) -> int:
    """The multiplications in one product of the rows with the heads of all plays."""
    rows, width = plays[0].training[0].flatten(1).shape
    return rows * width * plays[0].classes * len(plays)


def _exactly(view: View, *, small: bool) -> Training:
    """The user's training settings, but in full precision; small problems on the CPU."""
    wished = (view.bench and view.bench.training) or Training()
    device = "cpu" if small else wished.accelerator
    return replace(wished, accelerator=device, precision="32-true")


def _road(
    name: str, ridge: float, unroll: dict[str, Any], paper: dict[str, Any]
) -> Callable[[], Road]:
    """Build the road of this name, afresh for every search."""
    roads: dict[str, Callable[[], Road]] = {
        "implicit": partial(Implicit, ridge),
        "unroll": partial(Unroll, **unroll),
        "paper": partial(Paper, **paper),
    }
    choice("road", name, roads)
    for built in roads.values():  # impossible options are refused, whichever road is taken
        built()
    return roads[name]


def _shares(prior: Mapping[str, float], names: list[str]) -> Tensor:
    """The weights of the candidates before any evidence; they sum to 1.

    Shares of strategies that are not candidates are ignored, so that the prior stays valid when a
    candidate is removed.
    """
    known = {*STRATEGIES.installed(), *names}
    for name, share in prior.items():
        if name not in known:
            raise unknown("strategy in the prior", name, known)
        number(f"prior.{name}", share)
    given = {name: share for name, share in prior.items() if name in names}
    total = sum(given.values())
    if any(share <= 0 for share in given.values()) or total > 1 + 1e-9:
        raise ValueError(
            f"`prior` must be shares above 0 whose sum is at most 1, got {dict(prior)}"
        )
    others = len(names) - len(given)
    left = max((1 - total) / others, 1e-3) if others else 0.0
    return torch.tensor([given.get(name, left) for name in names])


def _mixture(
    names: list[str], weights: Tensor, votes: Tensor, batch: Tensor, own: Tensor
) -> dict[str, Any]:
    """The record's notes on a query, by candidate; `own` are the candidates' own batches."""
    parts = (weights * votes)[batch].sum(0)

    def named(values: Tensor) -> dict[str, float]:
        return dict(zip(names, values.tolist(), strict=True))

    return {
        "weights": named(weights.mean(0)),
        "spread": named(weights.std(0, correction=0)),
        "share": named(parts / parts.sum().clamp(min=1e-12)),
        "overlap": named(torch.isin(own, batch).float().mean(1)),
    }
