"""Networks with published weights, fetched or read, without the head."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

from autoal.bounds import demand_file, whole
from autoal.errors import UserError, unknown

_FOLLOW = ContextVar("weights follow", default=False)
HEADS = ("fc", "classifier", "heads", "head")
WRAPPED = ("state_dict_ema", "model_ema", "state_dict", "model")  # where checkpoints keep weights
MOST_CHARACTERS = 300  # of a message that may name every layer

Weights = dict[str, Tensor]


class Enlarge(nn.Module):
    """Resizes images to the size and three channels with which a network was trained."""

    def __init__(self, size: int) -> None:
        super().__init__()
        whole("size", size, least=32, most=2048)
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        shape = (self.size, self.size)
        large = functional.interpolate(images, shape, mode="bilinear", antialias=True)
        return large if large.shape[1] == 3 else large.mean(1, keepdim=True).expand(-1, 3, -1, -1)


def torchvision_network(model: str, weights: str | None) -> nn.Module:
    """A torchvision network without its head; with ImageNet weights, or those of a file."""
    known = torchvision.models.list_models(module=torchvision.models)
    if model not in known:
        raise unknown("model of torchvision", model, known)
    network = torchvision.models.get_model(model, weights=None)
    if weights_read():
        _give(network, model, weights)
    for name in HEADS:
        if hasattr(network, name):
            setattr(network, name, nn.Identity())
    return network


def _give(network: nn.Module, model: str, weights: str | None) -> None:
    if weights is None:
        _load(network, _fetched(model), f"the ImageNet weights of {model}")
    else:
        load_weights(network, weights)


@contextmanager
def weights_follow() -> Iterator[None]:
    """Networks built in this context read no weights, since a state will provide them."""
    token = _FOLLOW.set(True)
    try:
        yield
    finally:
        _FOLLOW.reset(token)


def weights_read() -> bool:
    """Whether a network being built reads its published weights."""
    return not _FOLLOW.get()


def load_weights(network: nn.Module, file: str) -> None:
    """Load the weights of a file into a network."""
    path = weights_file(file)
    _load(network, _read(path), str(path))


def weights_file(name: str) -> Path:
    """The path of an existing file of weights."""
    path = Path(name).expanduser()
    demand_file(path, "weights= names one")
    return path


def _fetched(model: str) -> Weights:
    weights = torchvision.models.get_model_weights(model).DEFAULT
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / Path(weights.url).name
    if path.is_file():
        return _read(path)
    try:
        return weights.get_state_dict(check_hash=True, progress=False, weights_only=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: a different checksum
        raise UserError(
            f"the ImageNet weights of {model} are not in {folder}: {error}\n"
            f"  they are published at {weights.url}\n"
            "  put the file there, set TORCH_HOME, or name it by the option weights="
        ) from error


def _read(path: Path) -> Weights:
    """The tensors of a file, bare or in an entry of a checkpoint; no code in it is run."""
    try:
        content = _content(path)
    except ImportError as error:
        raise UserError(f"{path} needs safetensors: pip install safetensors") from error
    except Exception as error:  # torch's advice, to run the file's code, is not passed on
        raise UserError(
            f"cannot read the weights in {path}: it is damaged, or holds more than tensors"
        ) from error
    inner = next((content[name] for name in WRAPPED if name in content), content)
    if not all(isinstance(value, Tensor) for value in inner.values()):
        raise UserError(f"cannot read the weights in {path}: it holds more than tensors")
    weights = dict(inner)
    consume_prefix_in_state_dict_if_present(weights, "module.")  # of a wrapped network
    return weights


def _content(path: Path) -> dict[str, Any]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file  # late: it comes with timm

        return load_file(path)
    return dict(torch.load(path, weights_only=True, map_location="cpu"))


def _load(network: nn.Module, weights: Weights, source: str) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        why = " ".join(str(error).split())[:MOST_CHARACTERS]
        raise UserError(f"{source}: the weights are not those of this network: {why}") from error
