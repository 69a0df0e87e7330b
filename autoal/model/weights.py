"""Networks with published weights: fetched or read, the head cut off."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from pickle import UnpicklingError

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from autoal.bounds import whole
from autoal.errors import UserError, unknown

_FOLLOW = ContextVar("weights follow", default=False)
HEADS = ("fc", "classifier", "heads", "head")


class Enlarge(nn.Module):
    """Images at the size and with the three channels that a network was trained with."""

    def __init__(self, size: int) -> None:
        super().__init__()
        whole("size", size, least=32)
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        shape = (self.size, self.size)
        large = functional.interpolate(images, shape, mode="bilinear", antialias=True)
        return large if large.shape[1] == 3 else large.mean(1, keepdim=True).expand(-1, 3, -1, -1)


def torchvision_network(model: str, weights: str | None) -> nn.Module:
    """A network of torchvision without its head; its ImageNet weights, or those of a file."""
    known = torchvision.models.list_models(module=torchvision.models)
    if model not in known:
        raise unknown("model of torchvision", model, known)
    network = torchvision.models.get_model(model, weights=None)
    if weights_read():
        _load(network, _fetched(model) if weights is None else _read(Path(weights).expanduser()))
    for name in HEADS:
        if hasattr(network, name):
            setattr(network, name, nn.Identity())
    return network


@contextmanager
def weights_follow() -> Iterator[None]:
    """Networks that are built in here get their weights from a state afterwards, and read none."""
    token = _FOLLOW.set(True)
    try:
        yield
    finally:
        _FOLLOW.reset(token)


def weights_read() -> bool:
    """Whether a network that is built reads its published weights."""
    return not _FOLLOW.get()


def _fetched(model: str) -> dict[str, Tensor]:
    weights = torchvision.models.get_model_weights(model).DEFAULT
    try:
        return weights.get_state_dict(check_hash=True, progress=False)
    except (OSError, RuntimeError) as error:  # RuntimeError: another checksum
        raise UserError(
            f"the ImageNet weights of {model} are not in {torch.hub.get_dir()}/checkpoints: "
            f"{error}\n"
            f"  they are published at {weights.url}\n"
            "  put the file there, set TORCH_HOME, or name it by the option weights="
        ) from error


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise UserError(f"cannot read the weights in {path}: {error}") from error


def _load(network: nn.Module, weights: dict[str, Tensor]) -> None:
    try:
        network.load_state_dict(weights)
    except (RuntimeError, TypeError) as error:
        raise UserError(f"the weights are not those of this network: {error}") from error
