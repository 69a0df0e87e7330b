"""A round as one row of numbers, by the names under which W&B charts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import wandb

from autoal.record.round import Round
from autoal.settings import flatten


def charted(finished: Round, classes: int) -> dict[str, Any]:
    """All numbers of a round.

    Args:
        finished: the round.
        classes: how many there are.
    """
    counts = np.bincount(finished.labels, minlength=classes)
    edges = np.arange(len(counts) + 1) - 0.5
    return {
        "n_labelled": finished.labelled,
        "al/round": finished.number,
        **_counts(finished),
        **{f"al/{name}": value for name, value in finished.metrics.items()},
        **({"al/judged": finished.judged} if finished.judged else {}),
        **{f"seconds/{name}": value for name, value in finished.seconds.items()},
        **{f"query/{name}": value for name, value in _numbers(finished.notes).items()},
        **{f"stop/{name}": value for name, value in _numbers(finished.stop).items()},
        **{f"growth/{name}": value for name, value in _numbers(finished.growth).items()},
        "query/classes": wandb.Histogram(np_histogram=(counts, edges)),
    }


def _counts(finished: Round) -> dict[str, Any]:
    """Numbers of the labels, if known, and of those who gave them."""
    counts = {
        "al/bought": finished.bought,
        "al/wrong": finished.wrong,
        "al/declined": len(finished.declined) or None,
        "al/amended": len(finished.amended) or None,
        "al/machine": len(finished.machine) or None,
        "al/ruled_out": len(finished.ruled_out) or None,
        "al/words": len(finished.words) or None,
        "al/cost": finished.cost,
        "al/taken": finished.taken,
        "al/made": finished.made or None,
        "al/looked": finished.looked or None,
    }
    known = {name: count for name, count in counts.items() if count is not None}
    told = ((f"people/{name}", facts) for name, facts in finished.people.items())
    return known | {f"{who}/{fact}": count for who, facts in told for fact, count in facts.items()}


def _numbers(notes: dict[str, Any]) -> dict[str, float]:
    """The numbers among the notes, such as weights/margin."""
    flat = {key.replace(".", "/"): value for key, value in flatten(notes).items()}
    return {key: value for key, value in flat.items() if type(value) in (int, float)}
