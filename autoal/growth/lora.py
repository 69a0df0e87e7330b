"""A low-rank change to a network's attention (Hu et al., 2021), the only part that is trained.

Our own, because it is shorter than configuring peft, and needs no package.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import sqrt

import torch
from torch import Tensor, nn

from autoal.errors import UserError
from autoal.seeding import seeded

PROJECTIONS = ("q_proj", "v_proj")  # of queries and values, by their usual names


class LowRank(nn.Module):
    """A published linear layer, plus a change that starts at zero.

    Args:
        layer: not trained itself.
        rank: of the change.
        alpha: the change counts alpha / rank.
    """

    def __init__(self, layer: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.layer = layer
        device = layer.weight.device
        self.down = nn.Parameter(torch.empty(rank, layer.in_features, device=device))
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank, device=device))
        nn.init.kaiming_uniform_(self.down, a=sqrt(5))
        self.scale = alpha / rank
        self.changed = True

    def forward(self, inputs: Tensor) -> Tensor:
        kept: Tensor = self.layer(inputs)
        if not self.changed:
            return kept
        change = inputs.to(self.down.dtype) @ self.down.T @ self.up.T
        return kept + (self.scale * change).to(kept.dtype)


def adapt(network: nn.Module, rank: int, alpha: float, seed: int) -> None:
    """Make the queries and values of a network trainable by low-rank changes."""
    found = [
        (module, name, layer)
        for module in network.modules()
        for name, layer in module.named_children()
        if name in PROJECTIONS and isinstance(layer, nn.Linear)
    ]
    if not found:
        raise UserError(
            f"this model has no layers called {' or '.join(PROJECTIONS)}, the only ones tuned; "
            "SmolLM2, Qwen2.5 and Llama have them: give growth.tune=none, or another growth.model"
        )
    with seeded(seed, "lora"):
        for module, name, layer in found:
            setattr(module, name, LowRank(layer, rank, alpha))


@contextmanager
def published(network: nn.Module) -> Iterator[None]:
    """Leave all changes out."""
    changes = [module for module in network.modules() if isinstance(module, LowRank)]
    for change in changes:
        change.changed = False
    try:
        yield
    finally:
        for change in changes:
            change.changed = True


def trained(network: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters of the changes, by name."""
    return {
        f"{name}.{side}": getattr(module, side)
        for name, module in network.named_modules()
        if isinstance(module, LowRank)
        for side in ("down", "up")
    }
