"""Backbones cut in three: embed (the costly part), dropout, head.

Dropout sits only before the head, so that Monte-Carlo draws are small matrix products on cached
embeddings. Every network is built from the shape of an image and the number of classes.
"""

from collections.abc import Sequence
from itertools import pairwise

import torchvision
from torch import Tensor, nn

Shape = tuple[int, int, int]  # channels, height, width


class Network(nn.Module):
    """A classifier whose penultimate features can be read once and used again."""

    def __init__(self, embed: nn.Module, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must be at least 0 and below 1, got {dropout}")
        self.embed = embed
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:  # (n, channels, height, width) -> (n, classes)
        return self.head(self.dropout(self.embed(images)))


class ResNet18(Network):
    """ResNet-18 (He et al., 2016) with a stem for small images: 3x3, stride 1.

    Args:
        shape: of one image; at least 8x8, any number of channels.
        classes: how many there are.
        maxpool: keep the stem's max-pool, which halves the image once more (faster, coarser).
        dropout: before the head.
    """

    def __init__(
        self, shape: Shape, classes: int, maxpool: bool = False, dropout: float = 0.2
    ) -> None:
        channels, height, width = shape
        if min(height, width) < 8:
            raise ValueError(f"ResNet-18 needs images of at least 8x8, got {height}x{width}")
        trunk = torchvision.models.resnet18(weights=None)
        features = trunk.fc.in_features
        trunk.conv1 = nn.Conv2d(channels, 64, kernel_size=3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(trunk.conv1.weight, mode="fan_out", nonlinearity="relu")
        if not maxpool:
            trunk.maxpool = nn.Identity()
        trunk.fc = nn.Identity()
        super().__init__(trunk, features, classes, dropout)


class MLP(Network):
    """Fully connected layers with ReLU on the flattened image.

    Args:
        shape: of one image.
        classes: how many there are.
        hidden: widths of the layers below the head.
        dropout: before the head.
    """

    def __init__(
        self, shape: Shape, classes: int, hidden: Sequence[int] = (256,), dropout: float = 0.2
    ) -> None:
        if not hidden or min(hidden) < 1:
            raise ValueError(f"`hidden` must list at least one width, each above 0, got {hidden}")
        widths = [shape[0] * shape[1] * shape[2], *hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        super().__init__(nn.Sequential(*layers), widths[-1], classes, dropout)


class Linear(Network):
    """Multinomial logistic regression on the flattened image."""

    def __init__(self, shape: Shape, classes: int, dropout: float = 0.0) -> None:
        super().__init__(nn.Flatten(), shape[0] * shape[1] * shape[2], classes, dropout)
