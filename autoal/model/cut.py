"""Any network, cut in three like ours: embed, dropout, head."""

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

UNCHANGING = (nn.Identity, nn.Flatten)  # layers that pass a vector on unchanged


class Cut(NamedTuple):
    """Where a network is cut."""

    head: nn.Linear  # its last layer
    dropout: nn.Dropout | None  # right before the head
    elsewhere: bool  # the dropout is used in other places too


class _Call(NamedTuple):
    """One call of a layer: its input and output."""

    layer: nn.Module
    read: Any
    output: Any


def network_of(
    network: nn.Module | Callable[..., nn.Module],
    shape: Shape,
    classes: int,
    sample: Tensor | None = None,
) -> Network:
    """Build a fresh network and cut it.

    Args:
        network: builds one, from `shape` and `classes` or `num_classes` if it has such parameters
            or passes all on; or is one, whose weights every fresh start then gets.
        shape: of one row.
        classes: how many there are.
        sample: some rows as the network reads them; by default noise of that shape.
    """
    built = network
    if not isinstance(network, nn.Module):
        try:
            built = network(**_known_to(network, shape, classes))
        except TypeError as error:
            raise UserError(f"the network cannot be built: {error}") from error
    if not isinstance(built, nn.Module):
        raise UserError(f"a network must be an nn.Module, got {type(built).__name__}")
    if isinstance(built, Network):
        return deepcopy(built) if built is network else built
    built = deepcopy(built)  # its owner may give the same one again
    if sample is None:
        sample = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    return adopted(built, classes, sample)


def _known_to(network: Callable[..., nn.Module], shape: Shape, classes: int) -> dict[str, Any]:
    """The facts that a network's builder has parameters for."""
    facts = {"shape": shape, "classes": classes, "num_classes": classes}
    parameters = signature(network).parameters
    known = {name: fact for name, fact in facts.items() if name in parameters}
    passes_on = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    if passes_on and not {"classes", "num_classes"} & known.keys():
        known["num_classes"] = classes  # torchvision and timm pass it on
    return known


def adopted(module: nn.Module, classes: int, sample: Tensor) -> Network:
    """Somebody else's module as one of our networks; the module itself is taken apart."""
    cut, expected = cut_of(module, classes, sample)
    still = _still(module)
    _take_out(module, cut.head)
    # timm's networks drop by a function, and others by a layer that is also used elsewhere: these
    # stay in place, and draws use their rate.
    rate = cut.dropout.p if cut.dropout else float(getattr(module, "drop_rate", 0.0))
    apart = cut.dropout is not None and not cut.elsewhere
    if cut.dropout is not None and apart:
        _take_out(module, cut.dropout)
    network = Network(module, cut.head.in_features, classes, rate if apart else 0.0)
    network.head = cut.head
    network.draw_rate = rate
    network.still = tuple(f"embed.{name}" for name in still)
    if not torch.allclose(output_of(network, sample), expected, rtol=1e-4, atol=1e-5):
        raise _refusal("it uses its last layer in more than one way")
    return network


def _still(module: nn.Module) -> list[str]:
    """The modules in eval mode among others in training: they do not learn with the whole."""
    if not module.training:
        return []
    return [name for name, inner in module.named_modules() if not inner.training]


def cut_of(module: nn.Module, classes: int, sample: Tensor) -> tuple[Cut, Tensor]:
    """Find where a module can be cut, and its output for the sample.

    Raises:
        UserError: it is not a classifier with a linear head.
    """
    calls: list[_Call] = []

    def watch(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        calls.append(_Call(layer, inputs[0] if inputs else None, output))

    hooks = [
        layer.register_forward_hook(watch)
        for layer in module.modules()
        if isinstance(layer, nn.Linear) or not any(layer.children())
    ]
    try:
        output = output_of(module, sample)
    finally:
        for hook in hooks:
            hook.remove()
    if not isinstance(output, Tensor) or output.shape != (len(sample), classes):
        what = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise _refusal(f"it returns {what} for {len(sample)} rows and {classes} classes")
    calls = [call for call in calls if not isinstance(call.layer, UNCHANGING)]
    places = [place for place, call in enumerate(calls) if call.output is output]
    if not places or not isinstance(head := calls[places[-1]].layer, nn.Linear):
        raise _refusal("its output is not that of a Linear layer, or something follows the layer")
    if head is module:
        raise _refusal("it is just a Linear layer: give task=linear, or autoal's MLP")
    return Cut(head, *_dropout_before(calls, places[-1])), output


def _dropout_before(calls: list[_Call], place: int) -> tuple[nn.Dropout | None, bool]:
    """The dropout right before a layer, if there is one, and whether it is used elsewhere too."""
    before = [call.layer for call in calls[:place] if call.output is calls[place].read]
    if not before or not isinstance(dropout := before[-1], nn.Dropout):
        return None, False
    return dropout, sum(call.layer is dropout for call in calls) > 1


def output_of(module: nn.Module, sample: Tensor) -> Any:
    """The module's output for the sample in eval mode."""
    modes = [(inner, inner.training) for inner in module.modules()]
    try:
        with torch.no_grad():
            return module.eval()(sample)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"{type(module).__name__} cannot read rows of the shape {tuple(sample.shape[1:])}, "
            f"{sample.dtype}: {error}"
        ) from error
    finally:
        for inner, mode in modes:
            inner.training = mode


def _take_out(module: nn.Module, layer: nn.Module) -> None:
    """Replace a layer by the identity everywhere; it may go by several names."""
    for parent in module.modules():
        for name, child in list(parent._modules.items()):
            if child is layer:
                setattr(parent, name, nn.Identity())


def _refusal(reason: str) -> UserError:
    return UserError(
        f"this network has no readable linear head: {reason}. A network here must end in a "
        "Linear layer that gives one number for each class, without a softmax after it"
    )
