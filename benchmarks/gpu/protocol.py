"""Rounds of the published shape, and an estimate of the time that all of them would take."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from autoal import Plan, rounds
from autoal.model.fitstep import unwatched
from autoal.record.round import Round
from benchmarks.gpu.setting import Line, Setting
from benchmarks.published.protocol import preset

GOAL = 30 * 60  # seconds, on one H200


def lines(setting: Setting) -> Iterator[Line]:
    """Fits, queries, and their sum over the protocol."""
    fits: dict[int, float] = {}
    epochs = int(preset("margin")["task"]["epochs"])
    for count in setting.size.labels:
        one, first, memory = _fit(setting, count)
        fits[count] = first + epochs * one
        figure = f"{one:.3f} s an epoch; all {epochs}: {fits[count]:.0f} s"
        yield Line("rounds", f"training on {count:,} labels", figure, fits[count], memory)
    train = sum(_between(fits, count) for count in _counts(setting))
    for name in ("margin", "autoal"):
        last, memory = _round(setting, name, {})
        query = _query(last)
        yield Line("rounds", f"query of {name}", _parts(last), query, memory)
        whole = train + (len(_counts(setting)) - 1) * query  # the start needs no query
        figure = f"training {train / 60:.1f} min, queries {(whole - train) / 60:.1f} min"
        reached = "within" if whole <= GOAL else "beyond"
        figure += f"; {whole / 60:.1f} min, {reached} the goal of {GOAL // 60}"
        yield Line("protocol", f"all rounds of {name}, one seed", figure, whole)


def _counts(setting: Setting) -> range:
    """The number of labels in training, round by round."""
    first, *_, last = setting.size.labels
    return range(first, last + 1, first)


def _fit(setting: Setting, count: int) -> tuple[float, float, float]:
    """Seconds of an epoch and of the rest of a fit, and memory, by the line through two fits."""
    data, spent = setting.data, []
    rows = data.train.take(torch.arange(count) % len(data.train))
    for epochs in (1, *setting.size.epochs):  # the first is a warm-up
        learner = setting.learner(data, epochs=epochs)
        there = learner.place(rows)
        with setting.measured() as found:
            learner.fit(there, first=True, watch=unwatched)
        spent.append(found.seconds)
    few, many = setting.size.epochs
    one = max(0.0, spent[2] - spent[1]) / (many - few)
    return one, max(0.0, spent[1] - few * one), found.memory


def _round(setting: Setting, name: str, options: Mapping[str, Any]) -> tuple[Round, float]:
    """A round in the middle of the protocol, trained for an epoch."""
    counts = _counts(setting)
    plan = Plan(counts[len(counts) // 2], setting.size.labels[0], 1)
    with setting.measured() as found:
        *_, last = rounds(*setting.experiment(setting.data, name, plan, options))
    return last, found.memory


def published(setting: Setting) -> Iterator[Line]:
    """The published search, extrapolated along the line through two short ones."""
    options = preset("autoal_paper")["strategy"]
    del options["name"]
    spent = []
    for turns in setting.size.turns:
        paper = {**options["paper"], "warmup": turns}
        last, memory = _round(setting, "autoal", {**options, "steps": 2 * turns, "paper": paper})
        spent.append(_query(last))
    few, many = setting.size.turns
    one = max(0.0, spent[1] - spent[0]) / (many - few)
    whole = spent[0] + one * (options["paper"]["warmup"] - few)
    figure = f"{one:.2f} s an epoch of warm-up with two of turns; {_parts(last)}"
    yield Line("rounds", "query of autoal_paper, drawn out", figure, whole, memory)


def _query(last: Round) -> float:
    """Seconds of the choice, the passes over the pool, and the test: all but the training."""
    return last.seconds["total"] - last.seconds["train"]


def _parts(last: Round) -> str:
    kinds = {name: spent for name, spent in last.seconds.items() if name not in ("train", "total")}
    return ", ".join(f"{name} {spent:.2f}" for name, spent in kinds.items() if spent)


def _between(known: Mapping[int, float], count: int) -> float:
    """Linear interpolation between the known values."""
    below = max(each for each in known if each <= count)
    above = min(each for each in known if each >= count)
    if below == above:
        return known[below]
    return known[below] + (known[above] - known[below]) * (count - below) / (above - below)
