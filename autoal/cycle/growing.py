"""A growing pool: the growth, the storage of made rows, and their share of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autoal.cycle.hooks import Growth, GrowthRule
from autoal.cycle.parts import fitting
from autoal.data.rows import Rows
from autoal.data.texts import plain_texts, texts_again
from autoal.oracles.question import Answers
from autoal.query.batch import Part, Query, query, recorded
from autoal.query.limits import Limits
from autoal.query.strategy import QueryStrategy
from autoal.query.view import View
from autoal.record.round import Round

Worth = Callable[[Rows], Tensor]


class Calling(GrowthRule):
    """A growth made from a function, without memory."""

    def __init__(self, growth: Growth) -> None:
        self.growth = growth

    def most(self, number: int) -> int:
        return 0  # unknown: its rows come on top of what a plan needs

    def __call__(self, view: View, history: Sequence[Round]) -> Rows | None:
        return self.growth(view, history)


def rule_of(growth: GrowthRule | Growth | None) -> GrowthRule | None:
    """A growth of either kind as a rule."""
    return growth if growth is None or isinstance(growth, GrowthRule) else Calling(growth)


class Growing:
    """The growth of an experiment, if any, and all rows that joined through it.

    Args:
        growth: makes rows; None: there is no growth.
        real: number of real rows; made ones are numbered from there on.
    """

    def __init__(self, growth: GrowthRule | Growth | None, real: int) -> None:
        self.rule = rule_of(growth)
        self.real = real
        self.made: tuple[Rows, ...] = ()

    def most(self, number: int) -> int:
        """The most rows it makes in a round."""
        return 0 if self.rule is None else self.rule.most(number)

    def make(self, view: View, history: Sequence[Round], worth: Worth) -> Rows | None:
        """Make rows to join for a query; None if there are none.

        Args:
            view: of the pool without them.
            history: the rounds so far.
            worth: returns the strategy's scores of such rows.
        """
        if self.rule is None:
            return None
        bench = view.bench and replace(view.bench, worth=worth)
        made = self.rule(replace(view, bench=bench), history)
        if made is None or not len(made):
            return None
        self.made = (*self.made, made)
        return made

    def query(self, strategy: QueryStrategy, view: View, limits: Limits, joined: int) -> Query:
        """A batch with the growth's share of made rows; the growth learns their scores.

        Args:
            strategy: chooses the rows.
            view: of the pool with them.
            limits: of the batch.
            joined: how many rows joined for this query: the last ones.
        """
        share = None if self.rule is None else self.rule.share
        parts = None if share is None else parts_of(view.pool.rows, self.real, share, limits.size)
        batch = query(strategy, view, limits, parts)
        if self.rule is not None:
            end = self.real + sum(map(len, self.made))
            made = torch.arange(end - joined, end)
            self.rule.scored(batch.scores_of(made), batch.scores_of(batch.rows))
        return batch

    def told(self, answers: Answers) -> dict[str, Any]:
        """The growth's notes on a round, after it received the answers."""
        if self.rule is None:
            return {}
        labelled = int((answers.rows >= self.real).sum())
        notes = recorded(f"{type(self.rule).__name__}.told", self.rule.told(answers))
        return {"labelled": labelled, **notes} if labelled else notes

    def state_dict(self, made: Iterable[Rows] | None = None) -> dict[str, Any]:
        """The made rows, all or these, and the growth's memory; empty if there is nothing.

        Args:
            made: the rows to include; None: all.
        """
        state = {} if self.rule is None else self.rule.state_dict()
        kept = {"made": [*map(packed, self.made if made is None else made)], "growth": state}
        return {name: part for name, part in kept.items() if part}

    def load_state_dict(self, state: Mapping[str, Any]) -> list[Rows]:
        """Go on from a state; return its rows, which join once more."""
        if self.rule is not None:
            with fitting("growth"):
                self.rule.load_state_dict(state.get("growth", {}))
        with fitting("rows that were made"):
            made = [*map(unpacked, state.get("made", []))]
        self.made = (*self.made, *made)
        return made

    def remembered(self) -> tuple[Any, ...]:
        """Its current state, for `forget`."""
        return self.made, {} if self.rule is None else deepcopy(self.rule.state_dict())

    def forget(self, before: tuple[Any, ...]) -> None:
        """Return to the state before a query or answers that led to nothing."""
        self.made, state = before
        if self.rule is not None:
            self.rule.load_state_dict(state)


def packed(made: Rows) -> dict[str, Any]:
    """Made rows, as plain values and tensors."""
    shown = plain_texts(made.shown)
    return {"inputs": made.inputs, "shown": shown, "names": made.names, "keys": made.keys}


def unpacked(kept: Mapping[str, Any]) -> Rows:
    """The rows in a packed form; older ones have no keys."""
    rows, shown = Rows.of(kept["inputs"]), texts_again(kept["shown"])
    return replace(rows, shown=shown, names=kept["names"], keys=kept.get("keys"))


def parts_of(rows: Tensor, real: int, share: float, budget: int) -> list[Part]:
    """The real and the made rows of a pool, each with its part of a batch.

    If there are too few of one kind, the other fills the batch.

    Args:
        rows: numbers of the pool's rows.
        real: number of real rows.
        share: of made rows in the batch.
        budget: size of the batch.
    """
    ours, made = (rows < real).nonzero().flatten(), (rows >= real).nonzero().flatten()
    wanted = int(share * budget + 0.5)
    size = min(max(wanted, budget - len(ours)), len(made), budget)
    return [Part(ours, budget - size), Part(made, size)]
