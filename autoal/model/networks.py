"""Backbones cut in three: embed (the costly part), dropout, head.

Dropout sits only before the head, so that Monte-Carlo draws are small matrix products on cached
embeddings. Every network is built from the shape of an image and the number of classes.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from autoal.data.images import Shape
from autoal.model.weights import Enlarge, torchvision_network


class Network(nn.Module):
    """A classifier whose penultimate features can be read once and used again.

    Args:
        embed: images -> embeddings, (n, width).
        width: of the embedding.
        classes: how many there are.
        dropout: before the head.
        inner: names of the modules inside `embed` that end its stages, but the last.
    """

    def __init__(
        self,
        embed: nn.Module,
        width: int,
        classes: int,
        dropout: float,
        inner: Sequence[str] = (),
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must be at least 0 and below 1, got {dropout}")
        self.embed = embed
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)
        self.inner = tuple(inner)

    def forward(self, images: Tensor) -> Tensor:  # (n, channels, height, width) -> (n, classes)
        return self.head(self.dropout(self.embed(images)))

    def stages(self, images: Tensor) -> Tensor:
        """The stages, each pooled over its places, side by side; the last is the embedding."""
        pooled: list[Tensor] = []

        def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
            pooled.append(output.flatten(2).mean(2) if output.ndim > 2 else output)

        watched = [self.embed.get_submodule(name) for name in self.inner]
        hooks = [module.register_forward_hook(keep) for module in watched]
        try:
            # Not the call, which may be compiled, and then shows nothing of its inside.
            embedding = self.embed.forward(images)
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
        super().__init__(trunk, features, classes, dropout, ("layer1", "layer2", "layer3"))


class PretrainedResNet18(Network):
    """ResNet-18 that starts from its ImageNet weights in every round.

    Args:
        shape: of one image, of any size; grey images are shown as colour.
        classes: how many there are.
        size: height and width that images are enlarged to; the weights were trained with 224.
        weights: a file with other weights; null fetches those of ImageNet.
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
        embed = nn.Sequential(Enlarge(size), torchvision_network("resnet18", weights))
        super().__init__(embed, 512, classes, dropout, ("1.layer1", "1.layer2", "1.layer3"))


class MLP(Network):
    """Fully connected layers with ReLU on the flattened image; without any, a linear model.

    Args:
        shape: of one image.
        classes: how many there are.
        hidden: widths of the layers below the head.
        dropout: before the head.
    """

    def __init__(
        self, shape: Shape, classes: int, hidden: Sequence[int] = (256,), dropout: float = 0.2
    ) -> None:
        if any(width < 1 for width in hidden):
            raise ValueError(f"`hidden` must list widths above 0, got {hidden}")
        widths = [shape[0] * shape[1] * shape[2], *hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        inner = [str(place) for place in range(2, len(layers) - 1, 2)]  # every ReLU but the last
        super().__init__(nn.Sequential(*layers), widths[-1], classes, dropout, inner)


class Ready(nn.Module):
    """A network that reads images as they are stored.

    Args:
        preprocess: from stored images to what the network reads; without augmentation.
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

    def forward(self, images: Tensor) -> Tensor:
        return self.network(self.preprocess(images))

    def with_stages(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The logits and all stages, in one pass."""
        network = self.network
        stages = network.stages(self.preprocess(images))
        embedding = stages[:, -network.head.in_features :]
        return network.head(network.dropout(embedding)), stages
