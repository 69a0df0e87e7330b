"""Whoever answers without knowing the truth goes with no strategy that sees it."""

from autoal.errors import UserError
from autoal.query.strategy import QueryStrategy


def demand_blind(oracle: str, strategy: QueryStrategy | None) -> None:
    """Refuse a strategy that sees what true labels lead to.

    Args:
        oracle: the name of the choice oracle=.
        strategy: that chooses the rows, if it is known.
    """
    if strategy is not None and "outcomes" in (strategy.reads or ()):
        raise UserError(
            f"oracle={oracle}: {type(strategy).__name__} chooses by what true labels lead to"
        )
