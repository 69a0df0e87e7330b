"""AutoAL: a query strategy made of query strategies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from time import perf_counter
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from autoal import registry
from autoal.cheating import Cheating
from autoal.errors import UserError, unknown
from autoal.maths.coverage import greedy_cover, rbf, remoteness, typical_width
from autoal.maths.geometry import sample, unit
from autoal.model.features import Features
from autoal.model.training import Training
from autoal.query.strategy import QueryStrategy, Reads, best_first, placed
from autoal.query.view import View
from autoal.search.hypergradient import Implicit, Inner, Road, Unroll
from autoal.search.paper import Paper
from autoal.search.relax import RELAXATIONS
from autoal.search.search import PIECE, Search
from autoal.search.searchnet import ImageWeights, RowWeights, SearchNet, SharedWeights
from autoal.search.stage import Stage, ballot, cooled
from autoal.seeding import seeded
from autoal.settings import check_options

# The paper's seven, and the strongest that are newer.
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
COMPOSE = ("herding", "topk", "power")
HYPERGRADIENTS = ("implicit", "unroll", "first_order")
OBJECTIVES = ("check", "paper")
FITNETS = ("auto", "head", "network")
SEARCHNETS = ("shared", "rows", "images")


class AutoAL(QueryStrategy):
    """The mixture of candidate strategies that a differentiable search finds (AutoAL, 2025).

    Labelled rows rehearse queries: FitNet learns a part of them, the candidates vote on another
    part, and SearchNet's weights of the votes move so that FitNet, trained on what they choose,
    does better on a third. The pool's votes by these weights say what each row is worth, and
    the batch covers what is worth most.

    Args:
        candidates: options of each, by its installed name.
        prior: shares of the weights before any evidence; what is left goes to the others, evenly.
        pull: of the prior against the evidence, in standard errors; falls as rounds add up.
        compose: herding (the batch covers the pool, weighted by worth), topk (the rows worth most)
            or power (drawn by worth).
        searchnet: shared (one weight vector), rows (weights from a row's embedding and votes) or
            images (weights from a row's image, by a ResNet-18: the paper).
        fitnet: network (of the task's kind, trained once a round), head (on the task's embeddings,
            solved for every rehearsal) or auto: network, where the task trains more than a head.
        hypergradient: implicit, unroll or first_order.
        objective: check (the loss on checked rows) or paper (the published min-max).
        relaxation: top or mixture.
        rehearsals: in every round; searchnet=rows or images takes more, such as 16.
        taught: share of the labelled rows that FitNet learns.
        steps: of SearchNet in every round; 0: no search, the weights stay the prior.
        learning_rate: of SearchNet.
        ridge: of FitNet's solved head.
        inner_steps: of FitNet that are unrolled.
        inner_learning_rate: of FitNet, where it is unrolled.
        warmup: epochs of FitNet before the turns of objective=paper.
        loss_prediction: with objective=paper, SearchNet sees losses that a head on FitNet's stages
            predicts, and not the losses themselves.
        sharpness: of the herding: a row is covered for its worth to this power.
        width: of the herding's kernel; 0: as wide as the pool's rows are from labelled ones.
        sample: rows of a larger pool that herding looks at, drawn.
    """

    reads: Reads = ("draws", "embeddings", "inputs", "labelled", "probs", "validation")

    def __init__(
        self,
        candidates: Mapping[str, Mapping[str, Any] | None] | None = None,
        prior: Mapping[str, float] | None = None,
        pull: float = 4.0,
        compose: str = "herding",
        searchnet: str = "shared",
        fitnet: str = "auto",
        hypergradient: str = "implicit",
        objective: str = "check",
        relaxation: str = "top",
        rehearsals: int = 8,
        taught: float = 0.5,
        steps: int = 12,
        learning_rate: float = 0.125,
        ridge: float = 1e-3,
        inner_steps: int = 3,
        inner_learning_rate: float = 0.1,
        warmup: int = 0,
        loss_prediction: bool = False,
        sharpness: float = 2.0,
        width: float = 0.0,
        sample: int = 10_000,
    ) -> None:
        for name, value, known in (
            ("compose", compose, COMPOSE),
            ("searchnet", searchnet, SEARCHNETS),
            ("fitnet", fitnet, FITNETS),
            ("hypergradient", hypergradient, HYPERGRADIENTS),
            ("objective", objective, OBJECTIVES),
            ("relaxation", relaxation, tuple(RELAXATIONS)),
        ):
            if value not in known:
                raise unknown(name, value, known)
        _check_road(hypergradient, objective)
        if objective != "paper" and (warmup or loss_prediction):
            raise UserError("warmup and loss_prediction go with objective=paper only")
        for name, number, least in (
            # Less would never agree on so many parameters.
            ("rehearsals", rehearsals, 2 if searchnet == "shared" else 4),
            ("steps", steps, 0),
            ("warmup", warmup, 0),
            ("sample", sample, 1),
        ):
            if not number >= least:
                raise ValueError(f"`{name}` must be at least {least}, got {number}")
        for name, size in (("pull", pull), ("sharpness", sharpness), ("width", width)):
            if not size >= 0:
                raise ValueError(f"`{name}` must not be negative, got {size}")
        for name, size in (
            ("learning_rate", learning_rate),
            ("ridge", ridge),
            ("inner_learning_rate", inner_learning_rate),
        ):
            if not size > 0:
                raise ValueError(f"`{name}` must be above 0, got {size}")
        if not 0 < taught < 1:
            raise ValueError(f"`taught` must be above 0 and below 1, got {taught}")
        self.candidates = _built(CANDIDATES if candidates is None else candidates)
        self.prior = _shares(PRIOR if prior is None else prior, list(self.candidates))
        self.pull = pull
        self.compose = compose
        self.kind = searchnet
        self.fitnet = fitnet
        self.hypergradient = hypergradient
        self.relaxation = relaxation
        self.rehearsals = rehearsals
        self.taught = taught
        self.steps = steps
        self.learning_rate = learning_rate
        self.ridge = ridge
        self.inner = Inner(inner_steps, inner_learning_rate)
        self.warmup = warmup
        self.loss_prediction = loss_prediction
        self.sharpness = sharpness
        self.width = width
        self.sample = sample
        self.reads = self._readable()
        self.rounds = 0  # that were searched
        self.seen: int | None = None  # seed of the view that was searched last
        self.searchnet: SearchNet | None = None
        self._kept: dict[str, Tensor] | None = None  # of a SearchNet that is not built yet
        self._notes: dict[str, Any] = {}
        # Weak, so that a round's features go with the round.
        self._cooled: WeakKeyDictionary[View, View] = WeakKeyDictionary()

    def check(self, *, validation: Tensor | None) -> None:
        # In rehearsals there are none: those rows check, and may have no part in the choice.
        for name, strategy in self.candidates.items():
            try:
                strategy.check(validation=None if self.steps else validation)
            except UserError as error:
                where = f"candidate {name!r} (strategy.candidates.{name}), also in rehearsals"
                raise UserError(f"{where}: {error}") from error

    def fit(self, view: View) -> None:
        if view.seed == self.seen:
            return
        begin = perf_counter()
        self.seen = view.seed
        cool = self._cool(view)  # what is scored too
        with seeded(view.seed, "search"):
            for strategy in self.candidates.values():
                strategy.fit(cool)
            self._notes = self._search(view)
        self._notes["seconds"] = {"search": perf_counter() - begin}

    def score(self, view: View, budget: int) -> Tensor:
        votes = ballot(self._cool(view), self.candidates, budget)
        weights = self._weights(view, votes)
        worth = (weights * votes).sum(1)
        scores = self._composed(view, worth, budget)
        batch = best_first(scores, view)[:budget]
        own = torch.stack([best_first(each, view)[:budget] for each in votes.T])
        self._notes |= _told(list(self.candidates), weights, votes, batch, own)
        return scores

    def notes(self, view: View) -> dict[str, Any]:
        return self._notes

    def state_dict(self) -> dict[str, Any]:
        net = self._kept if self.searchnet is None else self.searchnet.state_dict()
        return {
            "rounds": self.rounds,
            "seen": self.seen,
            "searchnet": net,
            "candidates": {name: each.state_dict() for name, each in self.candidates.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rounds, self.seen = state["rounds"], state["seen"]
        self.searchnet, self._kept = None, state["searchnet"]
        for name, each in self.candidates.items():
            each.load_state_dict(state["candidates"][name])

    def _cool(self, view: View) -> View:
        if view not in self._cooled:
            self._cooled[view] = cooled(view)
        return self._cooled[view]

    @torch.no_grad()
    def _weights(self, view: View, votes: Tensor) -> Tensor:
        """SearchNet's, for every row of the pool, (n, candidates)."""
        device = _trainer(view, small=self.kind != "images").device
        net = self._net(view).to(device)
        inputs = self._inputs(view.pool)
        parts = zip(inputs.split(PIECE), votes.split(PIECE), strict=True)
        weights = torch.cat([net(*(each.to(device) for each in part)).cpu() for part in parts])
        net.cpu()
        return weights

    def _search(self, view: View) -> dict[str, Any]:
        """Let SearchNet learn from this round's rehearsals."""
        if not self.steps:
            return {}
        network = self.fitnet == "network" or (self.fitnet == "auto" and view.fitted is not None)
        if network and view.fitted is None:
            raise UserError("fitnet=network: the task trains only a head; give fitnet=head or auto")
        whole = self.hypergradient != "implicit"
        stage = Stage(self.rehearsals, self.taught, network, whole, self.ridge)
        plays = stage.rehearsals(view, self.candidates, self._inputs)
        if not plays:
            return {}
        self.rounds += 1
        search = Search(
            self._net(view),
            self._road(),
            plays,
            relaxation=self.relaxation,
            steps=self.steps,
            learning_rate=self.learning_rate,
            pull=self.pull / math.sqrt(self.rounds),
        )
        small = not (whole and network)  # heads, which are faster on one core than on many
        with single_thread() if small else nullcontext():
            before = search.check_loss()
            _trainer(view, small=small).optimise(search)
            after = search.check_loss()
        return {
            "gradient": sum(search.gradients) / len(search.gradients),
            "check_before": before,
            "check_after": after,
        }

    def _road(self) -> Road:
        if self.hypergradient == "implicit":
            return Implicit(self.ridge)
        if self.hypergradient == "unroll":
            return Unroll(self.inner)
        return Paper(self.warmup, self.loss_prediction)

    def _net(self, view: View) -> SearchNet:
        if self.searchnet is None:
            with seeded(view.seed, "searchnet"):
                self.searchnet = self._fresh(view)
            if self._kept is not None:
                self.searchnet.load_state_dict(self._kept)
        return self.searchnet.eval()

    def _fresh(self, view: View) -> SearchNet:
        if self.kind == "shared":
            return SharedWeights(self.prior)
        if self.kind == "rows":
            return RowWeights(self.prior, view.pool.embeddings.shape[1])
        return ImageWeights(self.prior, view.pool.inputs.shape[1])

    def _inputs(self, rows: Features) -> Tensor:
        """What SearchNet reads."""
        if self.kind == "shared":
            return torch.empty(len(rows), 0)
        if self.kind == "rows":
            return unit(rows.embeddings).cpu()
        if rows.inputs.dtype != torch.uint8:
            raise UserError("searchnet=images reads images, and the task's inputs are features")
        return rows.inputs.cpu()

    def _composed(self, view: View, worth: Tensor, budget: int) -> Tensor:
        if self.compose == "topk":
            return worth
        stream = view.generator()
        if self.compose == "power":
            noise = torch.empty(len(worth), dtype=torch.float64)
            noise[view.pool.order.cpu()] = torch.rand(len(worth), generator=stream).double()
            gumbel = -(-noise.clamp(1e-12, 1 - 1e-12).log()).log()
            return worth.clamp(min=1e-12).log() + gumbel
        places = sample(view.pool.order, self.sample, stream)
        features = unit(view.pool.embeddings[places])
        remote = remoteness(features, unit(view.labelled.embeddings))
        weights = worth[places].clamp(min=0) ** self.sharpness
        kernel = rbf(self.width or typical_width(remote, 1.0))
        picks, rest = greedy_cover(features, remote, weights, kernel, budget)
        return placed(picks, rest, places, len(view.pool))

    def _readable(self) -> Reads:
        """What the candidates read, and what the search does."""
        stated = [each.reads for each in self.candidates.values()]
        own = {"embeddings", "probs", "labelled", "validation"}
        own |= {"inputs"} if self.kind == "images" or self.fitnet != "head" else set()
        return tuple(sorted(own.union(*(each or () for each in stated))))


@contextmanager
def single_thread() -> Iterator[None]:
    """Without other threads, whose waking takes longer than what small products would gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _built(candidates: Mapping[str, Mapping[str, Any] | None]) -> dict[str, QueryStrategy]:
    if not candidates:
        raise ValueError("`candidates` must name at least one strategy")
    built = {}
    for name, options in candidates.items():
        try:
            known = registry.options(registry.load(name))
            whole = check_options(dict(options or {}), known, f"strategy {name!r}")
            built[name] = registry.build({**whole, "name": name})
            if isinstance(built[name], Cheating):
                raise ValueError("it sees the labels of the pool, and so runs alone")
        except ValueError as error:
            raise UserError(f"candidate {name!r}: {error}") from error
    return built


def _trainer(view: View, *, small: bool) -> Training:
    """As the user wants it, but exact; what is small is faster on the CPU."""
    wished = view.training or Training()
    device = "cpu" if small else wished.accelerator
    return replace(wished, accelerator=device, precision="32-true")


def _shares(prior: Mapping[str, float], names: list[str]) -> Tensor:
    """The weights of the candidates before any evidence; they sum to 1.

    A share of a strategy that is no candidate is left out, so that the prior need not be given anew
    where one is taken away.
    """
    known = {*registry.installed(), *names}
    for name in prior:
        if name not in known:
            raise unknown("strategy in the prior", name, known)
    given = {name: share for name, share in prior.items() if name in names}
    total = sum(given.values())
    if any(share <= 0 for share in given.values()) or total > 1 + 1e-9:
        raise ValueError(
            f"`prior` must be shares above 0 whose sum is at most 1, got {dict(prior)}"
        )
    others = len(names) - len(given)
    left = max((1 - total) / others, 1e-3) if others else 0.0
    return torch.tensor([given.get(name, left) for name in names])


def _check_road(hypergradient: str, objective: str) -> None:
    if hypergradient == "first_order" and objective == "check":
        raise UserError(
            "hypergradient=first_order has a gradient of exactly zero with objective=check: the "
            "loss on the checked rows depends on SearchNet only through FitNet's training; give "
            "objective=paper, or hypergradient=implicit or unroll"
        )
    if hypergradient != "first_order" and objective == "paper":
        raise UserError(
            "objective=paper alternates, and no gradient passes through FitNet's training: it "
            f"goes with hypergradient=first_order, got {hypergradient}"
        )


def _told(
    names: list[str], weights: Tensor, votes: Tensor, batch: Tensor, own: Tensor
) -> dict[str, Any]:
    """What the record says about a query, candidate by candidate; `own` are their own batches."""
    parts = (weights * votes)[batch].sum(0)
    overlap = torch.isin(own, batch).float().mean(1)
    spread = weights.std(0, correction=0)

    def named(values: Tensor) -> dict[str, float]:
        return dict(zip(names, values.tolist(), strict=True))

    return {
        "weights": named(weights.mean(0)),
        "spread": named(spread),
        "share": named(parts / parts.sum().clamp(min=1e-12)),
        "overlap": named(overlap),
    }
