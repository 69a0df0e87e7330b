"""One round of a run, as the report needs it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from statistics import fmean
from typing import Any

from autoal.record.kinds import AMOUNTS, NUMBER, WHOLE, Kind
from autoal.record.round import Round
from autoal.report.metric import ACCURACY, result
from autoal.settings import Settings


@dataclass(frozen=True)
class Past:
    """One round of a run."""

    labelled: int
    result: float  # of the metric that runs are compared by, on what `judged` names
    classes: dict[int, int]  # how many of the queried rows were given each label
    bought: int | None  # labels paid for; unknown in records from before that was told
    wrong: int | None  # labels given that are not the truth, where anybody knows
    seconds: dict[str, float]
    weights: dict[str, float]  # of the candidates, if there are some
    settled: dict[str, float]  # what the learner chose by itself, if it does
    unasked: bool  # labels were given that nobody was asked for
    stop: Settings  # what a rule said about stopping, if one was asked
    judged: str  # what stands in for a test set, if anything does
    majority: float  # the test rows' share of their largest class, in the round that tells it
    money: float  # that its labels cost; one each where nothing else is told
    priced: bool  # a label costs something else than one
    time: float  # seconds that its labels took; none where nothing tells
    machine: int  # labels that a language model gave
    right: int | None  # of them; None where nobody knows
    model_money: float  # that it cost
    made: int  # rows that joined the pool
    made_labelled: int  # rows among the queried ones that were made at any time
    reward: float | None  # the mean score of those that joined
    dropped: Mapping[str, float]  # why others did not, and how many
    said: Mapping[str, Mapping[int, int]]  # by each of several people, of rows
    people: Mapping[str, Mapping[str, float]]  # what is told of each of those who answered
    looked: int  # rows that were looked at for the query, where the plan says how many
    entropy: float | None  # mean of its soft labels, in bits
    words: int  # that were asked about
    speaking: int  # of them, that speak for a class
    gains: Sequence[float]  # of each, in bits

    @property
    def querying(self) -> float:
        """Seconds of all phases but training and testing."""
        apart = ("train", "test", "total")
        return sum(spent for phase, spent in self.seconds.items() if phase not in apart)


def past_of(found: Round, metric: str = ACCURACY) -> Past:
    """What the report needs of a round, if runs are compared by this metric."""
    return Past(
        labelled=found.labelled,
        result=result(found.metrics, metric),
        classes=dict(Counter(found.labels)),
        bought=found.bought,
        wrong=found.wrong,
        seconds=found.seconds,
        weights=found.weights,
        settled=found.settled,
        unasked=found.unasked,
        stop=found.stop,
        judged=found.judged,
        majority=found.majority,
        money=found.money,
        priced=found.cost is not None or found.unasked,
        time=found.time,
        machine=len(found.sources.keys() & {*found.machine}),
        right=_right(found),
        model_money=sum(facts.get("cost", 0.0) for facts in found.models.values()),
        made=found.made,
        made_labelled=_of_kind(found.growth.get("labelled"), WHOLE, 0),
        reward=_of_kind(found.growth.get("reward"), NUMBER, None),
        dropped=_of_kind(found.growth.get("dropped"), AMOUNTS, {}),
        said=found.said,
        people=found.persons,
        looked=found.looked,
        entropy=_entropy(found.beliefs.values()),
        words=len(found.words),
        speaking=sum(map(any, found.words.values())),
        gains=_gains(found),
    )


def _of_kind(value: Any, kind: Kind, otherwise: Any) -> Any:
    """What a growth noted, which may be somebody else's and note other things."""
    return value if kind.holds(value) else otherwise


def _gains(found: Round) -> list[float]:
    """What words gained, as far as it was noted."""
    noted = found.notes.get("words")
    told = noted.get("gain") if isinstance(noted, Mapping) else None
    return [*told.values()] if AMOUNTS.holds(told) and told and found.words else []


def _right(found: Round) -> int | None:
    """How many labels of language models are right, where that is known."""
    told = [facts["right"] for facts in found.models.values() if "right" in facts]
    return sum(told) if len(told) == len(found.models) else None


def _entropy(beliefs: Collection[Sequence[float]]) -> float | None:
    """The mean entropy of soft labels, in bits; None where there are none."""
    bits = [-sum(p * log2(p) for p in belief if p > 0) for belief in beliefs]
    return fmean(bits) if bits else None
