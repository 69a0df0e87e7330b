"""Checks that a plugin keeps its promises, for everybody who writes one.

The whole test of a strategy in a package of its own is

    def test_density() -> None:
        check_strategy(Density())

and every other kind of plugin has a similar check.
"""

from autoal.testing.data import check_data
from autoal.testing.encoder import check_encoder
from autoal.testing.growth import check_growth
from autoal.testing.learner import check_learner
from autoal.testing.made import make_view
from autoal.testing.oracle import check_oracle
from autoal.testing.promises import BrokenPromiseError
from autoal.testing.strategy import PROMISES, check_strategy

__all__ = [
    "PROMISES",
    "BrokenPromiseError",
    "check_data",
    "check_encoder",
    "check_growth",
    "check_learner",
    "check_oracle",
    "check_strategy",
    "make_view",
]
