"""SearchNets: from what is known about a row to the candidates' weights for it."""

from abc import ABC, abstractmethod

import torch
import torchvision
from torch import Tensor, nn

SEARCHNETS = ("shared", "rows", "images")


class SearchNet(nn.Module, ABC):
    """Weights that start at the prior for every row.

    The deviation from the prior starts at zero: before any evidence, the mixture is the prior.

    Args:
        prior: of the candidates' weights, (candidates,).
    """

    prior: Tensor
    together = True  # parameters move together: chance alone would move some of many

    def __init__(self, prior: Tensor) -> None:
        super().__init__()
        self.register_buffer("prior", prior / prior.sum())

    @abstractmethod
    def deviation(self, inputs: Tensor, votes: Tensor) -> Tensor:
        """The addition to the logarithm of the prior, (n, candidates) or (candidates,)."""

    def forward(self, inputs: Tensor, votes: Tensor) -> Tensor:  # -> (n, candidates), rows sum to 1
        logits = self.prior.log() + self.deviation(inputs, votes)
        return logits.softmax(-1).expand(len(votes), -1)


class SharedWeights(SearchNet):
    """The same weights for all rows."""

    together = False  # one number per candidate

    def __init__(self, prior: Tensor) -> None:
        super().__init__(prior)
        self.logits = nn.Parameter(torch.zeros(len(prior)))

    def deviation(self, inputs: Tensor, votes: Tensor) -> Tensor:
        return self.logits


class RowWeights(SearchNet):
    """Weights from a row's embedding and its votes, by a small network.

    Args:
        prior: of the candidates' weights.
        width: of the embeddings.
        hidden: units of the one hidden layer.
    """

    def __init__(self, prior: Tensor, width: int, hidden: int = 32) -> None:
        super().__init__(prior)
        self.trunk = nn.Sequential(nn.Linear(width + len(prior), hidden), nn.Tanh())
        self.head = _silent(hidden, len(prior))
        self.shared = nn.Parameter(torch.zeros(len(prior)))

    def deviation(self, inputs: Tensor, votes: Tensor) -> Tensor:
        return self.shared + self.head(self.trunk(torch.cat([inputs, votes], 1)))


class ImageWeights(SearchNet):
    """Weights from a row's image (uint8), by a ResNet-18, as in the paper.

    Args:
        prior: of the candidates' weights.
        channels: of the images.
    """

    def __init__(self, prior: Tensor, channels: int) -> None:
        super().__init__(prior)
        self.trunk = torchvision.models.resnet18(weights=None)
        self.trunk.conv1 = nn.Conv2d(channels, 64, kernel_size=3, stride=1, padding=1, bias=False)
        self.trunk.maxpool = nn.Identity()
        self.trunk.fc = nn.Identity()
        self.head = _silent(512, len(prior))

    def deviation(self, inputs: Tensor, votes: Tensor) -> Tensor:
        return self.head(self.trunk(inputs.float() / 255 - 0.5))


def _silent(width: int, outputs: int) -> nn.Linear:
    """A layer whose output is zero until it learns."""
    layer = nn.Linear(width, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
