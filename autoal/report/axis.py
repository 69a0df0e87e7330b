"""Over what runs are compared: over the labels that they had, or over what these cost."""

from typing import NamedTuple

from autoal.costs.units import LABELS, MONEY, SECONDS


class Axis(NamedTuple):
    """Something that is spent round by round."""

    title: str  # at the foot of a chart
    amount: str  # after a number


AXES = {
    LABELS: Axis("labelled rows", "labels"),
    MONEY: Axis("money", "of money"),
    SECONDS: Axis("seconds of people", "seconds"),
}
