"""What must fit where people are asked: the rows must be those that they have labelled."""

from __future__ import annotations

import torch

from autoal.data.rows import Rows
from autoal.data.word import is_word
from autoal.errors import UserError
from autoal.people.events import Ledger


def demand_same_rows(ledger: Ledger, rows: Rows) -> None:
    """Refuse rows that are not those that people have labelled."""
    for event in ledger.counting():
        if is_word(event.row):
            continue
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
