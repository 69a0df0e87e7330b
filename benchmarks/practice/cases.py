"""The cases: ways to ask that spend the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from autoal.strategies.influence import Salutary

from autoal import (
    Crowd,
    Data,
    Noisy,
    Oracle,
    Plan,
    Priced,
    QueryStrategy,
    TopK,
    TrueLabels,
    YesNo,
)
from autoal.costs.contract import Costs
from autoal.costs.words import Words as Reading
from autoal.oracles.compared import EASIEST, Compared
from autoal.oracles.words import Words
from benchmarks.practice.people import SPEAKERS, disagreement, mistaken
from benchmarks.practice.sets import FIRST, PEOPLE, REVIEWS, TERMS

ROUNDS = 8
STRATEGIES = ("random", "margin", "uherding", "autoal")
RATES = (0.1, 0.2, 0.4)
FOLDS = 5  # of the labelled rows, which judge salutary influence
VOTES = 3
CROWDS = {
    "all 20 %": [0.2] * 5,
    "all 40 %": [0.4] * 5,
    "5 to 60 %": [0.05, 0.1, 0.2, 0.4, 0.6],
}
OFFERED = 3
START, BATCH = 40, 20  # phrases
WORDS = (8, 20)  # labels of a round
WORD = 0.25  # labels that a word costs
COMPARED = 1.68  # times as many rows, half of which are labelled
COMPARISON = 0.1  # labels that a comparison costs
READING = Reading(base=0.0, each=0.25)  # seconds proportional to words
SECONDS = 45.0  # seconds of a round: some twenty phrases

Asked = Callable[[Data, int], Oracle]  # makes the oracle for these data, by the seed


class Way(NamedTuple):
    """A way to spend as much as all others of a case."""

    plan: Plan
    oracle: Asked
    strategy: str | QueryStrategy = "margin"
    costs: Costs | None = None


class Case(NamedTuple):
    """A setting that some ways share."""

    data: str
    about: str
    ways: Mapping[str, Way]

    @property
    def name(self) -> str:
        return f"{self.data}, {self.about}"


class Part(NamedTuple):
    """Cases that are reported together, and the way that others are compared with."""

    cases: Callable[[], Iterator[Case]]
    base: str
    along: str = "labels paid for"


def noise() -> Iterator[Case]:
    """Strategies when answers are wrong at random, by the look of rows, or as people's are."""
    by_chance: dict[str, Asked] = {
        f"{kind} {rate:.0%}": partial(erring, kind=kind, rate=rate)
        for kind in ("symmetric", "pairs", "instance")
        for rate in RATES
    }
    answers: dict[str, Asked] = {"right": erring, **by_chance}
    human = {f"people: {name}": partial(mistaken, name) for name in SPEAKERS}
    for data in FIRST:
        for about, asked in (answers | (human if data == PEOPLE else {})).items():
            ways = {name: Way(plan_of(data), asked, name) for name in STRATEGIES}
            yield Case(data, about, ways)


def salutary() -> Iterator[Case]:
    """Salutary influence judged by folds of labelled rows, which are as often wrong as others."""
    for data in FIRST:
        for rate in (0.0, 0.2, 0.4):
            ways: dict[str, str | QueryStrategy] = {"random": "random", "margin": "margin"}
            ways["salutary"] = Salutary(folds=FOLDS)
            asked = partial(erring, rate=rate)
            made = {name: Way(plan_of(data), asked, way) for name, way in ways.items()}
            yield Case(data, f"symmetric {rate:.0%}", made)


def votes() -> Iterator[Case]:
    """One answer about three times as many rows, or three about each, combined in several ways."""
    for data in FIRST:
        for about, rates in CROWDS.items():
            many = {
                "one answer": Way(plan_of(data, VOTES, VOTES), partial(crowd, rates, 1, "majority"))
            }
            few = {
                f"{VOTES}, {consensus}": Way(plan_of(data), partial(crowd, rates, VOTES, consensus))
                for consensus in ("majority", "dawid_skene", "one_coin")
            }
            yield Case(data, about, many | few)


def questions() -> Iterator[Case]:
    """Whole labels, or three times as many answers yes or no, or choices among some classes."""
    for data in FIRST:
        if data.startswith("Pneumonia"):  # with two classes, a no implies the other
            continue
        for strategy in ("random", "margin"):
            plan = plan_of(data)
            ways = {
                "full": Way(plan, erring, strategy),
                "yes_no": Way(plan_of(data, batch=3), partial(offering, YesNo), strategy),
            }
            if data != "waveform (columns)":  # with three classes
                often = plan_of(data, batch=1.5)
                some = partial(TopK, k=OFFERED, price=2 / 3)
                ways[f"top {OFFERED}"] = Way(often, partial(offering, some), strategy)
            yield Case(data, strategy, ways)


def words() -> Iterator[Case]:
    """Labels alone, or fewer of them and some words for the rest."""
    for data in (TERMS, REVIEWS):
        for strategy in ("random", "margin"):
            ways = {"labels": Way(Plan(START, BATCH, ROUNDS), erring, strategy)}
            for count in WORDS:
                plan = Plan(START, BATCH - round(WORD * count), ROUNDS)
                ways[f"{count} words"] = Way(plan, partial(wording, count), strategy)
            yield Case(data, strategy, ways)


def compared() -> Iterator[Case]:
    """Labels alone, or fewer, of the rows of twice as many that people find hardest or easiest.

    What comparisons add is seen beside the order of the model alone, which costs nothing, and what
    their price takes beside comparisons for nothing.
    """
    for strategy, about, asked in (
        ("random", "random", erring),
        ("margin", "margin", erring),
        ("margin", "margin, labels by people", partial(mistaken, "random1")),
    ):
        ways = {"labels": Way(plan_of(PEOPLE), asked, strategy)}
        for name, batch, options in (
            ("hardest", COMPARED, {"price": COMPARISON}),
            ("easiest", COMPARED, {"price": COMPARISON, "first": EASIEST}),
            ("hardest, for nothing", 2, {"price": 0.0}),
            ("hardest by the model", 2, {"times": 0}),
        ):
            some = partial(comparing, asked, options)
            ways[name] = Way(plan_of(PEOPLE, batch=batch), some, strategy)
        yield Case(PEOPLE, about, ways)


def costs() -> Iterator[Case]:
    """The same seconds, for rows of most worth, or of most worth per cost."""
    for strategy in STRATEGIES:
        ways = {
            name: Way(
                Plan(START, BATCH, ROUNDS, unit="seconds", spend=SECONDS, per_cost=per_cost),
                reading,
                strategy,
                READING,
            )
            for name, per_cost in (("cost-blind", False), ("cost-aware", True))
        }
        yield Case(REVIEWS, strategy, ways)


PARTS = {
    "noise": Part(noise, "random"),
    "salutary": Part(salutary, "random"),
    "votes": Part(votes, "one answer"),
    "questions": Part(questions, "full"),
    "words": Part(words, "labels"),
    "compared": Part(compared, "labels"),
    "costs": Part(costs, "cost-blind", "seconds of reading"),
}


def plan_of(data: str, start: float = 1, batch: float = 1) -> Plan:
    """This many times the labels that a data set begins with, and half of them in each round."""
    return Plan(round(start * FIRST[data]), round(batch * FIRST[data] / 2), ROUNDS)


def erring(data: Data, seed: int, *, rate: float = 0.0, kind: str = "symmetric") -> Oracle:
    """An oracle that knows the truth, and errs."""
    return Noisy(TrueLabels(data.train.labels), rate, kind, seed=seed, data=data)


def crowd(rates: list[float], votes: int, consensus: str, data: Data, seed: int) -> Oracle:
    """People who err at these rates, of whom so many answer about a row, and their consensus."""
    people = Noisy(TrueLabels(data.train.labels), rates, seed=seed)
    return Crowd(people, len(rates), votes, consensus, seed=seed)


def offering(kind: Callable[[Oracle], Oracle], data: Data, seed: int) -> Oracle:
    """An oracle that knows the truth, and is offered some of the classes."""
    return kind(TrueLabels(data.train.labels))


def wording(count: int, data: Data, seed: int) -> Oracle:
    """An oracle that knows the truth, about some words too."""
    return Words(TrueLabels(data.train.labels), data, count, WORD)


def comparing(asked: Asked, options: dict[str, Any], data: Data, seed: int) -> Oracle:
    """An oracle that knows on which of two rows people disagree more, but errs at that."""
    return Compared(asked(data, seed), disagreement(data), seed=seed, **options)


def reading(data: Data, seed: int) -> Oracle:
    """An oracle that knows the truth, and has to read for it."""
    return Priced(TrueLabels(data.train.labels), READING)
