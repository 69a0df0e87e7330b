"""One round of a run, reduced to the needs of the report."""

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
    result: float  # by the metric of comparison, on the rows that `judged` names
    classes: dict[int, int]  # number of queried rows with each label
    bought: int | None  # labels paid for; unknown in older records
    wrong: int | None  # given labels that differ from the truth, if known
    seconds: dict[str, float]
    weights: dict[str, float]  # of the candidates, if any
    settled: dict[str, float]  # the learner's own choices, if any
    unasked: bool  # whether labels were given that nobody was asked for
    stop: Settings  # a rule's remarks about stopping, if there was a rule
    judged: str  # the substitute for a test set, if any
    majority: float  # the test rows' share of their largest class, in the round that records it
    money: float  # cost of its labels; one each unless recorded
    priced: bool  # whether a label costs anything other than one
    time: float  # seconds that its labels took; none if not recorded
    machine: int  # labels by a language model
    right: int | None  # correct ones among them; None if unknown
    model_money: float  # their cost
    made: int  # rows that joined the pool
    made_labelled: int  # rows among the queried ones that were made at any time
    reward: float | None  # mean score of those that joined
    dropped: Mapping[str, float]  # reasons for the others, with counts
    said: Mapping[str, Mapping[int, int]]  # labels of rows by each of several people
    people: Mapping[str, Mapping[str, float]]  # facts about each person who answered
    looked: int  # rows looked at for the query, if the plan limits them
    entropy: float | None  # mean entropy of its soft labels, in bits
    words: int  # words in questions
    speaking: int  # words that speak for a class
    gains: Sequence[float]  # gain of each, in bits

    @property
    def querying(self) -> float:
        """Seconds of all phases but training and testing."""
        apart = ("train", "test", "total")
        return sum(spent for phase, spent in self.seconds.items() if phase not in apart)


def past_of(found: Round, metric: str = ACCURACY) -> Past:
    """The report's view of a round, if runs are compared by this metric."""
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
    """A growth's notes, which may come from a plugin and hold other things."""
    return value if kind.holds(value) else otherwise


def _gains(found: Round) -> list[float]:
    """The information gained from words, if recorded."""
    noted = found.notes.get("words")
    told = noted.get("gain") if isinstance(noted, Mapping) else None
    return [*told.values()] if AMOUNTS.holds(told) and told and found.words else []


def _right(found: Round) -> int | None:
    """How many labels of language models are right, if known."""
    told = [facts["right"] for facts in found.models.values() if "right" in facts]
    return sum(told) if len(told) == len(found.models) else None


def _entropy(beliefs: Collection[Sequence[float]]) -> float | None:
    """The mean entropy of soft labels, in bits; None if there are none."""
    bits = [-sum(p * log2(p) for p in belief if p > 0) for belief in beliefs]
    return fmean(bits) if bits else None
