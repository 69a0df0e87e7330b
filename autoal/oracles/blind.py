"""Oracles that do not know the truth exclude strategies that see it."""

from autoal.errors import UserError
from autoal.query.strategy import QueryStrategy


def demand_blind(oracle: str, strategy: QueryStrategy | None) -> None:
    """Refuse a strategy that sees the outcome of true labels.

    Args:
        oracle: the name of the choice oracle=.
        strategy: the one that chooses the rows, if known.
    """
    if strategy is not None and "outcomes" in (strategy.reads or ()):
        raise UserError(
            f"oracle={oracle}: {type(strategy).__name__} chooses by what true labels lead to"
        )
