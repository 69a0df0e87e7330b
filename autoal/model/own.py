"""Users' own models as learners: torch modules and LightningModules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy, deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor, nn

from autoal.bounds import whole
from autoal.data.batches import Batches
from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.model.callbacks import Watching
from autoal.model.contained import contained
from autoal.model.cut import cut_of, network_of
from autoal.model.features import Features
from autoal.model.fitstep import Watch
from autoal.model.learner import Learner
from autoal.model.networks import Network, Ready
from autoal.model.task import Task
from autoal.model.trained import Trained
from autoal.model.training import QUIET, Training
from autoal.seeding import seeded

SAMPLE = 2  # rows that show a network's structure


class TorchLearner(Trained):
    """Your own torch module, trained and looked at like AutoAL's networks.

    Its last Linear layer becomes the head, and the input of that layer the embedding.

    Args:
        module: every round starts from its weights; or a function that builds one, for a fresh
            start.
        data: the data whose rows it reads.
        preprocess: from rows as they are stored to its inputs; None standardises them.
        training: how the machine is used; by default whatever is available.
        options: those of `Task`, for its training.
    """

    def __init__(
        self,
        module: nn.Module | Callable[..., nn.Module],
        data: Data,
        *,
        preprocess: nn.Module | None = None,
        training: Training | None = None,
        **options: Any,
    ) -> None:
        data.setup()
        preprocess = _preprocess(data.preprocess() if preprocess is None else preprocess)
        sample = preprocess.eval()(data.train.inputs[:SAMPLE])
        task = Task(
            partial(network_of, module, sample=sample),
            data.train.shape,
            len(data.classes),
            preprocess,
            **options,
        )
        _demand_trainable(task.network, sample)
        super().__init__(task, training)


class LightningLearner(Learner):
    """Your own LightningModule, trained by its own steps, optimisers and callbacks.

    Every round starts from the module's current weights or, if a function builds it, from fresh
    ones, and every training has its own Trainer and its own copies of the callbacks. `forward`
    gives logits through a last Linear layer, which is read as the head.

    Args:
        module: a module, or a function that builds one.
        data: the data whose rows it reads.
        trainer: flags of the Trainer; set the length by max_epochs or max_steps.
        batch_size: rows of a batch, (inputs, labels).
        preprocess: from rows as they are stored to its inputs; None leaves them unchanged.
        training: how looks and tests use the machine; by default whatever is available.
    """

    def __init__(
        self,
        module: LightningModule | Callable[[], LightningModule],
        data: Data,
        *,
        trainer: Mapping[str, Any],
        batch_size: int = 32,
        preprocess: nn.Module | None = None,
        training: Training | None = None,
    ) -> None:
        if not {"max_epochs", "max_steps", "max_time"} & set(trainer):
            raise UserError(
                "say how long a round trains: trainer={'max_epochs': 10}, max_steps or max_time"
            )
        data.setup()
        # A network that is read through a hook cannot be compiled.
        self.training = replace(training or Training(), compile=False)
        self._module_of = module
        whole("batch_size", batch_size, least=2)
        # Nothing else of the data: anyone who sees the learner could read all labels in it.
        self._classes, self._shape = len(data.classes), data.train.shape
        self._sample = data.train.inputs[:SAMPLE].clone()
        self._held_out = data.validation
        self._flags = dict(trainer)
        self._batch_size = batch_size
        self._preprocess = _preprocess(nn.Identity() if preprocess is None else preprocess)
        self._wear(self._begun())

    @property
    def deep(self) -> bool:
        return self._trained.deep

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        self._wear(self._begun())
        loader = _Preprocessed(
            Batches(rows.inputs, rows.labels, size=self._batch_size, shuffle=True), self._preprocess
        )
        callbacks = deepcopy(self._flags.get("callbacks") or [])
        callbacks = [*callbacks] if isinstance(callbacks, list | tuple) else [callbacks]
        kept = any(isinstance(callback, Checkpoint) for callback in callbacks)
        flags = {**QUIET, "enable_checkpointing": kept, **self._flags}
        with contained():
            trainer = Trainer(**{**flags, "callbacks": [*callbacks, Watching(watch)]})
            if not self._module.training:  # otherwise its parts are in the modes set by its author
                self._module.train()
            trainer.fit(self._module, loader, self._validation())
        return trainer.global_step

    def test(self, rows: Rows) -> dict[str, float]:
        return self._trained.test(rows)

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        return self._trained.look(rows, numbers, seed, stages=stages)

    def fresh(self, share: float = 1.0) -> LightningLearner:
        lengths = {name: self._flags.get(name) for name in ("max_epochs", "max_steps")}
        shorter = {
            name: max(1, round(length * share))
            for name, length in lengths.items()
            if length is not None and length > 0
        }
        other = copy(self)
        other._flags = {**self._flags, **shorter}
        other._wear(other._begun())
        return other

    def state_dict(self) -> dict[str, Any]:
        return self._module.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._wear(self._begun())
        self._module.load_state_dict(state)

    def module(self) -> Ready:
        return self._trained.module()

    def place(self, rows: Rows) -> Rows:
        return self._trained.place(rows)

    def _begun(self) -> LightningModule:
        """The module a round starts from; a copy, since a builder may return the same one again."""
        given = self._module_of
        module = given if isinstance(given, nn.Module) else given()
        if not isinstance(module, LightningModule):
            raise UserError(f"a LightningModule is needed, got {type(module).__name__}")
        return deepcopy(module)

    def _wear(self, module: LightningModule) -> None:
        """Look through another module from now on; earlier looks keep the old one."""
        self._module = module
        sample = self._preprocess.eval()(self._sample)
        worn = partial(_Worn, module, classes=self._classes, sample=sample)
        task = Task(worn, self._shape, self._classes, self._preprocess)
        self._trained = Trained(task, self.training)

    def _validation(self) -> Any:
        """The validation rows, for a module that validates if the data has any."""
        held_out = self._held_out
        if held_out is None:
            return None
        return _Preprocessed(
            Batches(held_out.inputs, held_out.labels, size=self._batch_size), self._preprocess
        )


def _preprocess(given: Any) -> nn.Module:
    if not isinstance(given, nn.Module):
        raise UserError(f"`preprocess` must be an nn.Module, got {type(given).__name__}")
    return given


def _demand_trainable(network: Network, sample: Tensor) -> None:
    """Refuse modules that could be looked at, but not trained like our networks."""
    if isinstance(network.embed, LightningModule):
        raise UserError(
            "a LightningModule trains by its own steps: give it to LightningLearner, or give "
            "TorchLearner the network inside"
        )
    if not any(weight.requires_grad for weight in network.parameters()):
        raise UserError("all weights of the network are frozen: let at least the head learn")
    with seeded(0, "sample"), torch.no_grad():
        output = deepcopy(network).train().embed(sample)
    if not isinstance(output, Tensor):
        raise UserError(
            f"in training mode the network gives a {type(output).__name__} beside or instead of "
            "logits: build it without auxiliary outputs"
        )


class _Worn(Network):
    """A module as one of our networks: it stays whole, and its head's input is the embedding."""

    def __init__(self, module: nn.Module, classes: int, sample: Tensor) -> None:
        cut, _ = cut_of(module, classes, sample)
        name = next(name for name, inner in module.named_modules() if inner is cut.head)
        rate = cut.dropout.p if cut.dropout else 0.0
        super().__init__(_UpTo(module, name), cut.head.in_features, classes, rate)
        self.head = cut.head

    def forward(self, inputs: Tensor) -> Tensor:
        return self.embed.get_submodule("module")(inputs)


class _UpTo(nn.Module):
    """A module up to the input of one of its layers."""

    def __init__(self, module: nn.Module, layer: str) -> None:
        super().__init__()
        self.module = module
        self.layer = layer

    def forward(self, inputs: Tensor) -> Tensor:
        caught: list[Tensor] = []
        layer = self.module.get_submodule(self.layer)
        hook = layer.register_forward_pre_hook(lambda layer, inputs: caught.append(inputs[0]))
        try:
            self.module(inputs)
        finally:
            hook.remove()
        return caught[-1]


class _Preprocessed:
    """Batches as a module reads them."""

    def __init__(self, batches: Batches, preprocess: nn.Module) -> None:
        self.batches = batches
        self.preprocess = preprocess

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self.preprocess.train(self.batches.shuffle)  # augmentation is for training
        for inputs, labels in self.batches:
            self.preprocess.to(inputs.device)  # Lightning may have moved it
            with torch.no_grad():  # not around the yield, which would disable gradients outside
                read = self.preprocess(inputs)
            yield read, labels
