"""Predicts the loss of unlabelled rows (Yoo and Kweon, 2019)."""

import torch
from torch import Tensor, nn


class LossHead(nn.Module):
    """From stages, standardised by the labelled rows, to a number that grows with the loss."""

    def __init__(self, stages: Tensor, hidden: int, stream: torch.Generator) -> None:
        super().__init__()
        self.mean = stages.mean(0)
        spread = stages.std(0, correction=0)
        # A column that hardly varies on the labelled rows teaches nothing, and could blow up
        # elsewhere: an infinite scale leaves it out.
        moves = spread > 0.01 * spread.median()
        self.scale = torch.where(moves, spread, torch.inf)
        first = _linear(stages.shape[1], hidden, stream)
        self.layers = nn.Sequential(first, nn.ReLU(), _linear(hidden, 1, stream)).to(stages.device)

    def forward(self, stages: Tensor) -> Tensor:  # (n, sum of the stages' widths) -> (n,)
        return self.layers((stages - self.mean) / self.scale).squeeze(1)


def _linear(inputs: int, outputs: int, stream: torch.Generator) -> nn.Linear:
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=stream)
    nn.init.zeros_(layer.bias)
    return layer


def ranking_loss(predicted: Tensor, losses: Tensor, margin: float) -> Tensor:
    """Hinge loss of the first half against the second, each row in one pair; drops an odd one."""
    half = len(losses) // 2
    sign = (losses[:half] - losses[half : 2 * half]).sign()
    gap = predicted[:half] - predicted[half : 2 * half]
    return (margin - sign * gap).clamp(min=0).mean()
