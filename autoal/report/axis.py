"""Over what runs are compared: over the labels that they had, or over what these cost."""

from typing import NamedTuple

from autoal.costs.units import LABELS, MONEY, SECONDS


def counted(spent: float) -> str:
    """So much, as a sentence tells it."""
    return f"{spent:.0f}" if spent >= 10 else f"{spent:.3g}"


class Axis(NamedTuple):
    """Something that is spent round by round."""

    title: str  # at the foot of a chart
    amount: str  # after a number


AXES = {
    LABELS: Axis("labelled rows", "labels"),
    MONEY: Axis("money", "in money"),
    SECONDS: Axis("seconds of people", "seconds"),
}
