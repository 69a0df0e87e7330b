"""The share of made rows in a batch."""

from __future__ import annotations

from collections.abc import Sequence

from autoal.bounds import number
from autoal.errors import UserError

ADAPTIVE = "adaptive"
BEGIN = 0.5  # of an adaptive share
STEP = 0.2  # its growth in a round in which every made row beats every real one
LEAST, MOST = 0.1, 0.9  # of an adaptive share, which must keep seeing both kinds


class Share:
    """The share of made rows in each batch: fixed, or moved by their scores against real ones.

    An adaptive share moves after each query by STEP (2 p - 1), where p is the probability that a
    made row of the batch scores higher than a real one; ties count half.

    Args:
        share: from 0 to 1, or `adaptive`; None: take the best rows of either kind.
    """

    def __init__(self, share: float | str | None) -> None:
        self.adaptive = share == ADAPTIVE
        if isinstance(share, str) and not self.adaptive:
            raise UserError(
                f"growth.share={share}: must be null, a number from 0 to 1, or adaptive"
            )
        if not isinstance(share, str) and share is not None:
            number("share", share, least=0, most=1)
        self.now: float | None = BEGIN if isinstance(share, str) else share

    def heard(self, made: Sequence[float], real: Sequence[float]) -> dict[str, float]:
        """Move by the scores of a batch's rows; return notes for the record."""
        if self.now is None:
            return {}
        told = {"share": self.now}
        if not (self.adaptive and made and real):
            return told
        above = sum((each > other) + (each == other) / 2 for each in made for other in real)
        chance = above / (len(made) * len(real))
        moved = self.now + STEP * (2 * chance - 1)
        self.now = min(max(round(moved, 6), LEAST), MOST)
        return {**told, "above": chance}
