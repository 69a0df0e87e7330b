"""Checks that the rows are those that people have labelled."""

from __future__ import annotations

import torch

from autoal.data.rows import Rows
from autoal.data.word import is_word
from autoal.errors import UserError
from autoal.people.events import Ledger


def demand_same_rows(ledger: Ledger, rows: Rows) -> None:
    """Refuse rows other than those that people have labelled."""
    for event in ledger.counting():
        if is_word(event.row):
            continue
        if event.row >= len(rows):
            what = f"row {event.row}, and there are {len(rows)}: the data is different"
        elif not event.key or rows.keys is None or rows.keys[event.row] == event.key:
            continue
        elif rows.named(torch.tensor([event.row])) == [event.name]:
            what = f"it has changed since {event.by} labelled it: put the file of {event.key} back"
        else:
            what = f"row {event.row} is a different one now: the data is different"
        raise UserError(
            f"{ledger.path}, line {event.seq + 1}: {event.name}: {what}, "
            "or start over with another name="
        )
