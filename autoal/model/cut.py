"""Anybody's network, cut in three as ours are: embed, dropout, head."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from inspect import signature
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from autoal.data.rows import Shape
from autoal.errors import UserError
from autoal.model.networks import Network


class Cut(NamedTuple):
    """Where a network is cut, by the names of its modules."""

    head: str  # its last layer, a Linear
    dropout: str | None  # what stands right before it


def network_of(
    network: nn.Module | Callable[..., nn.Module],
    shape: Shape,
    classes: int,
    sample: Tensor | None = None,
) -> Network:
    """A fresh network, cut.

    Args:
        network: builds one, from `shape` and `classes` or `num_classes` where it has such
            parameters or passes all on; or is one, whose weights every fresh start then has.
        shape: of one row.
        classes: how many there are.
        sample: some rows as the network reads them; by default noise of that shape.
    """
    if isinstance(network, nn.Module):
        built = deepcopy(network)
    else:
        built = network(**_known_to(network, shape, classes))
    if isinstance(built, Network):
        return built
    if sample is None:
        sample = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    return adopted(built, classes, sample)


def _known_to(network: Callable[..., nn.Module], shape: Shape, classes: int) -> dict[str, Any]:
    """What the builder of a network has parameters for."""
    facts = {"shape": shape, "classes": classes, "num_classes": classes}
    parameters = signature(network).parameters
    known = {name: fact for name, fact in facts.items() if name in parameters}
    passes_on = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    if passes_on and not {"classes", "num_classes"} & known.keys():
        known["num_classes"] = classes  # as torchvision and timm pass it on
    return known


def adopted(module: nn.Module, classes: int, sample: Tensor) -> Network:
    """A module of somebody else's as one of our networks; the module itself is taken apart."""
    cut, expected = cut_of(module, classes, sample)
    head = module.get_submodule(cut.head)
    assert isinstance(head, nn.Linear)
    rate = 0.0
    if cut.dropout is not None:
        dropout = module.get_submodule(cut.dropout)
        assert isinstance(dropout, nn.Dropout)
        rate = dropout.p
        _replace(module, cut.dropout)
    _replace(module, cut.head)
    network = Network(module, head.in_features, classes, rate)
    network.head = head
    if cut.dropout is None:  # timm's networks drop by a function, which stays where it is
        network.rate = float(getattr(module, "drop_rate", 0.0))
    if not torch.allclose(_output(network, sample), expected, rtol=1e-4, atol=1e-5):
        raise _refusal("it uses its last layer in more than one way")
    return network


def cut_of(module: nn.Module, classes: int, sample: Tensor) -> tuple[Cut, Tensor]:
    """Where a module can be cut, and what it says about the sample.

    Raises:
        UserError: it is no classifier with a linear head.
    """
    calls: list[tuple[str, Any, Any]] = []  # name, input and output of the layers in question

    def watch(name: str) -> Callable[..., None]:
        return lambda layer, inputs, output: calls.append((name, inputs[0], output))

    hooks = [
        layer.register_forward_hook(watch(name))
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear | nn.Dropout)
    ]
    try:
        output = _output(module, sample)
    finally:
        for hook in hooks:
            hook.remove()
    if not isinstance(output, Tensor) or output.shape != (len(sample), classes):
        what = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise _refusal(f"it returns {what} for {len(sample)} rows and {classes} classes")
    heads = [call for call in calls if call[2] is output]
    if not heads or not isinstance(module.get_submodule(heads[-1][0]), nn.Linear):
        raise _refusal("its output is not that of a Linear layer, or something follows the layer")
    name, embedding, _ = heads[-1]
    if not name:
        raise _refusal("it is nothing but a Linear layer: give task=linear, or autoal's MLP")
    before = [call for call in calls if call[2] is embedding and call[0] != name]
    return Cut(name, before[-1][0] if before else None), output


def _output(module: nn.Module, sample: Tensor) -> Any:
    """What it says about the sample, when it does not learn."""
    learning = module.training
    try:
        with torch.no_grad():
            return module.eval()(sample)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"{type(module).__name__} cannot read rows of the shape {tuple(sample.shape[1:])}, "
            f"{sample.dtype}: {error}"
        ) from error
    finally:
        module.train(learning)


def _replace(module: nn.Module, name: str) -> None:
    """Let everything pass where a layer was."""
    parent, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(parent), leaf, nn.Identity())


def _refusal(reason: str) -> UserError:
    return UserError(
        f"this network has no linear head that could be read: {reason}. A network here ends in a "
        "Linear layer that gives one number for each class, without a softmax after it"
    )
