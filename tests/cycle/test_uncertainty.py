from math import log

import pytest

from autoal import View
from autoal.cycle.uncertainty import Uncertainty
from tests.cycle.rules import FIRST, OTHER, predicting, told


def test_doubt_that_stands_still_advises_to_stop() -> None:
    def doubting(share: float) -> View:
        """Half of the pool is sure, the other half as likely as not to be of the second class."""
        return View.of(probs=[[1.0, 0.0], [1.0, 0.0], [1 - share, share]], labels=[0, -1, -1])

    def doubt(share: float) -> float:
        return -(share * log(share) + (1 - share) * log(1 - share)) / log(2) / 2

    shares = [0.5, 0.2, 0.2, 0.19]
    advice = told(Uncertainty(rounds=2), [doubting(share) for share in shares])
    moved = [None, None, doubt(0.5) - doubt(0.2), doubt(0.2) - doubt(0.19)]
    assert [said.value for said in advice] == pytest.approx(moved)
    assert [bool(said.reason) for said in advice] == [False] * 4
    last = told(Uncertainty(move=0.02, rounds=2), [doubting(share) for share in shares])[-1]
    assert last.reason == (
        "in 2 rounds the model's doubt about the unlabelled rows moved by 1.0 % of the "
        "possible range (uncertainty, rule 2 %)"
    )


def test_no_doubt_is_left_where_all_rows_are_labelled() -> None:
    views = [predicting(FIRST), predicting(OTHER, labelled=range(10))]
    assert told(Uncertainty(rounds=1), views)[-1].value is None
