"""The axis of a comparison: the number of labels, or their cost."""

from typing import NamedTuple

from autoal.costs.units import LABELS, MONEY, SECONDS


def counted(spent: float) -> str:
    """An amount, as part of a sentence."""
    return f"{spent:.0f}" if spent >= 10 else f"{spent:.3g}"


class Axis(NamedTuple):
    """An amount that is spent round by round."""

    title: str  # at the foot of a chart
    amount: str  # follows a number


AXES = {
    LABELS: Axis("labelled rows", "labels"),
    MONEY: Axis("money", "in money"),
    SECONDS: Axis("seconds of people", "seconds"),
}
