"""Backbones cut in three: embed (the costly part), dropout, head.

Dropout sits only before the head, so that Monte-Carlo draws are small matrix products on cached
embeddings. Every network is built from the shape of a row and the number of classes.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from autoal.bounds import number, whole
from autoal.data.rows import Shape
from autoal.errors import UserError
from autoal.model.weights import Enlarge, torchvision_network

MOST_WEIGHTS = 1_000_000_000  # 4 GB, and as much again for gradients and the optimizer's moments


class Network(nn.Module):
    """A classifier whose penultimate features are computed once and reused.

    Args:
        embed: inputs -> embeddings, (n, width).
        width: of the embedding.
        classes: how many there are.
        dropout: before the head.
        inner: names of the modules inside `embed` that end its stages, except the last.
        channels: the axis of the channels in these modules' outputs; a transformer's is -1.
    """

    def __init__(
        self,
        embed: nn.Module,
        width: int,
        classes: int,
        dropout: float,
        inner: Sequence[str] = (),
        channels: int = 1,
    ) -> None:
        super().__init__()
        _demand_rate(dropout)
        self.embed = embed
        self.dropout = nn.Dropout(dropout)
        self.draw_rate = dropout  # of the dropout that makes draws
        self.head = nn.Linear(width, classes)
        self.inner = tuple(inner)
        self.channels = channels
        self.still: tuple[str, ...] = ()  # names of modules that are never in training mode

    @property
    def trunk(self) -> list[nn.Parameter]:
        """The weights of everything but the head."""
        head = {id(weight) for weight in self.head.parameters()}
        return [weight for weight in self.parameters() if id(weight) not in head]

    def train(self, mode: bool = True) -> "Network":
        super().train(mode)
        for name in self.still:
            self.get_submodule(name).eval()
        return self

    def forward(self, inputs: Tensor) -> Tensor:  # (n, ...) -> (n, classes)
        return self.head(self.dropout(self.embed(inputs)))

    def stages(self, inputs: Tensor) -> Tensor:
        """The stages, each pooled over its places, side by side; the last is the embedding."""
        pooled: list[Tensor] = []

        def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
            by_channel = output.movedim(self.channels, 1)
            pooled.append(by_channel.flatten(2).mean(2) if output.ndim > 2 else output)

        watched = [self.embed.get_submodule(name) for name in self.inner]
        hooks = [module.register_forward_hook(keep) for module in watched]
        try:
            # Not a call, which may be compiled, and then hides its stages.
            embedding = self.embed.forward(inputs)
        finally:
            for hook in hooks:
                hook.remove()
        return torch.cat([*pooled, embedding], 1)


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
        channels, height, width = _of_an_image(shape)
        if min(height, width) < 8:
            raise ValueError(f"ResNet-18 needs images of at least 8x8, got {height}x{width}")
        trunk = torchvision.models.resnet18(weights=None)
        features = trunk.fc.in_features
        trunk.conv1 = nn.Conv2d(channels, 64, kernel_size=3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(trunk.conv1.weight, mode="fan_out", nonlinearity="relu")
        if not maxpool:
            trunk.maxpool = nn.Identity()
        trunk.fc = nn.Identity()
        super().__init__(trunk, features, classes, dropout, ("layer1", "layer2", "layer3"))


class PretrainedResNet18(Network):
    """ResNet-18 that starts from its ImageNet weights in every round.

    Args:
        shape: of one image, of any size; grey images are shown as colour.
        classes: how many there are.
        size: height and width to which images are enlarged; the weights were trained with 224.
        weights: a file with other weights; null fetches ImageNet's.
        dropout: before the head.
    """

    def __init__(
        self,
        shape: Shape,
        classes: int,
        size: int = 224,
        weights: str | None = None,
        dropout: float = 0.2,
    ) -> None:
        _of_an_image(shape)
        _demand_rate(dropout)  # before fetching anything
        embed = nn.Sequential(Enlarge(size), torchvision_network("resnet18", weights))
        super().__init__(embed, 512, classes, dropout, ("1.layer1", "1.layer2", "1.layer3"))


class Flat(nn.Flatten):
    """Flattens rows; refuses whole numbers, such as token ids, which are names and not sizes."""

    def forward(self, inputs: Tensor) -> Tensor:
        if not inputs.is_floating_point():
            raise UserError(
                f"the rows are whole numbers ({inputs.dtype}), as encoder=tokens makes for "
                "task=bert: give this task the features of another encoder, such as sentence"
            )
        return super().forward(inputs)


class MLP(Network):
    """Fully connected layers with ReLU on the flattened row; without any, a linear model.

    Args:
        shape: of one row.
        classes: how many there are.
        hidden: widths of the layers below the head.
        dropout: before the head.
    """

    def __init__(
        self, shape: Shape, classes: int, hidden: Sequence[int] = (256,), dropout: float = 0.2
    ) -> None:
        for width in hidden:
            whole("hidden", width, least=1)
        widths = [prod(shape), *hidden]
        _demand_room(widths, "`hidden`")
        layers: list[nn.Module] = [Flat()]
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        inner = [str(place) for place in range(2, len(layers) - 1, 2)]  # every ReLU but the last
        super().__init__(nn.Sequential(*layers), widths[-1], classes, dropout, inner)


class TanhHead(Network):
    """A layer with tanh on the flattened row, dropout before it and before the head.

    RoBERTa classifies with it; Salutary's experiments train only this, on frozen features (Xiao and
    Liu, 2024). The embedding is the input of the head.

    Args:
        shape: of one row.
        classes: how many there are.
        dropout: before both layers.
    """

    def __init__(self, shape: Shape, classes: int, dropout: float = 0.1) -> None:
        width = prod(shape)
        _demand_rate(dropout)
        _demand_room([width, width], "the row")
        layers = [Flat(), nn.Dropout(dropout), nn.Linear(width, width), nn.Tanh()]
        super().__init__(nn.Sequential(*layers), width, classes, dropout)


def _demand_rate(dropout: float) -> None:
    """Refuse what is not a dropout rate."""
    number("dropout", dropout, least=0, below=1)


def _demand_room(widths: Sequence[int], cause: str) -> None:
    """Refuse layers with more weights than a machine has memory for."""
    weights = sum(before * after for before, after in pairwise(widths))
    if weights > MOST_WEIGHTS:
        raise ValueError(
            f"{cause} gives {weights:,} weights to layers of the widths {widths}: "
            f"at most {MOST_WEIGHTS:,} are possible"
        )


def _of_an_image(shape: Shape) -> tuple[int, int, int]:
    """Channels, height and width; rows that are not images are refused."""
    if len(shape) != 3:
        raise ValueError(
            f"this network reads images, (channels, height, width), and the rows have the shape "
            f"{shape}: give task=mlp, linear or logistic, which read any rows"
        )
    return shape[0], shape[1], shape[2]


class Ready(nn.Module):
    """A network that reads rows as they are stored.

    Args:
        preprocess: from stored rows to the network's input, without augmentation.
        network: in training mode.
    """

    def __init__(self, preprocess: nn.Module, network: Network) -> None:
        super().__init__()
        self.preprocess = preprocess.eval()
        self.network = network.train()

    def train(self, mode: bool = True) -> "Ready":
        """Without augmentation in either mode."""
        super().train(mode)
        self.preprocess.eval()
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network(self.preprocess(inputs))

    def with_stages(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The logits and all stages, in one pass."""
        network = self.network
        stages = network.stages(self.preprocess(inputs))
        embedding = stages[:, -network.head.in_features :]
        return network.head(network.dropout(embedding)), stages
