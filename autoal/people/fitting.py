"""What must fit where people are asked: the rows, and the strategy that chooses among them."""

from __future__ import annotations

import torch

from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.people.events import Ledger
from autoal.query.strategy import QueryStrategy


def demand_same_rows(ledger: Ledger, rows: Rows) -> None:
    """Refuse rows that are not those that people have labelled."""
    for event in ledger.counting():
        if event.row >= len(rows):
            what = f"row {event.row}, and there are {len(rows)}: the data are others"
        elif not event.key or rows.keys is None or rows.keys[event.row] == event.key:
            continue
        elif rows.named(torch.tensor([event.row])) == [event.name]:
            what = f"it has changed since {event.by} labelled it: put the file of {event.key} back"
        else:
            what = f"row {event.row} is another one now: the data are others"
        raise UserError(
            f"{ledger.path}, line {event.seq + 1}: {event.name}: {what}, "
            "or start over with another name="
        )


def demand_blind(oracle: str, strategy: QueryStrategy | None) -> None:
    """Refuse a strategy that sees what true labels lead to, since nobody knows them yet.

    Args:
        oracle: the name of the choice oracle=.
        strategy: that chooses the rows, if it is known.
    """
    if strategy is not None and "outcomes" in (strategy.reads or ()):
        chooses = f"{type(strategy).__name__} chooses by what true labels lead to"
        raise UserError(f"oracle={oracle}: {chooses}, which nobody knows yet")
