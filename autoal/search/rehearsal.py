"""A rehearsal: rows of known labels play the pool, and others check the choice."""

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """One play of a query, as plain tensors.

    FitNet's inputs are embeddings for a linear head, images for a network.
    """

    inputs: Tensor  # (played, ...) what SearchNet reads of the rows that play the pool
    votes: Tensor  # (played, candidates) in [0, 1]
    budget: int  # rows to be chosen of those played
    taught: Tensor  # (taught, ...) FitNet's inputs: rows that it always trains on,
    taught_labels: Tensor
    played: Tensor  # (played, ...) rows that it trains on as far as they are chosen,
    played_labels: Tensor
    check: Tensor  # (check, ...) and rows on which its loss is measured
    check_labels: Tensor
    classes: int
    fitnet: nn.Module  # trained on the taught rows; inputs -> (n, classes) logits
    # How likely each label of `training` is, if some are doubtful; None: all are sure.
    trust: Tensor | None = None

    def __post_init__(self) -> None:
        for name in ("played", "check"):
            if not len(getattr(self, name)):
                raise ValueError(f"a rehearsal needs at least one row in `{name}`")

    def to(self, device: torch.device) -> "Rehearsal":
        """The rehearsal on a device; its FitNet is moved, not copied."""
        there: dict[str, Any] = {
            field.name: value.to(device)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor | nn.Module)
        }
        moved = any(value is not getattr(self, name) for name, value in there.items())
        return replace(self, **there) if moved else self

    @property
    def training(self) -> tuple[Tensor, Tensor]:
        """FitNet's inputs and labels, those of the taught rows first."""
        inputs = torch.cat([self.taught, self.played])
        return inputs, torch.cat([self.taught_labels, self.played_labels])

    @property
    def trusted(self) -> tuple[Tensor, Tensor]:
        """How much the taught and the played rows' labels count: as far as they are believed."""
        sizes = [len(self.taught), len(self.played)]
        trust = torch.ones(sum(sizes)) if self.trust is None else self.trust
        taught, played = trust.to(self.check.device).split(sizes)
        return taught, played
