"""A transformer that is fine-tuned on texts."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from inspect import signature
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn

from autoal.bounds import choice, number
from autoal.data.rows import Rows, Shape
from autoal.errors import UserError
from autoal.model.networks import Network
from autoal.model.task import Task
from autoal.model.transformers import demand_places, network_of
from autoal.model.whereabouts import OFFLINE, model_folder

POOLINGS = ("mean", "cls")
STAGES = 4  # evenly spaced layers whose tokens are pooled for strategies that read stages
FEW, MANY = 32, 256  # rows read together when nothing is learnt, on a CPU and elsewhere


class Bert(Task):
    """A published transformer and a head on its pooled tokens, fully trained.

    Every round starts from the published weights, which are read once and then stay in memory.

    Args:
        shape: of a row: its tokens, as the encoder `tokens` gives them.
        classes: how many there are.
        preprocess: from rows as they are stored to tokens.
        model: a folder, `package:NAME`, or a name on the hub of Hugging Face.
        pooling: mean (of all tokens) or cls (the first one).
        dropout: before the head.
        tokens: the model whose tokenizer read the rows, if known.
        optimizer: sgd, adam or adamw.
        learning_rate: at its peak; 1e-4 is for models as small as MiniLM, BERT-base takes 2e-5.
        weight_decay: of the optimizer.
        steps: optimizer steps in each round.
        batch_size: most rows of a batch, which is cut to its longest row.
        clip: largest norm of the gradient; None does not limit it.
        shrink: factor on last round's weights, if a warm start keeps them.
        perturb: factor on the published weights that are added to them; the two sum to 1, since
            both are near the published weights, and a smaller sum would shrink what these know.
        **options: of `Task`.
    """

    def __init__(
        self,
        shape: Shape,
        classes: int,
        preprocess: nn.Module,
        *,
        model: str = OFFLINE,
        pooling: str = "mean",
        dropout: float = 0.1,
        tokens: str | None = None,
        optimizer: str = "adamw",
        learning_rate: float = 1e-4,
        weight_decay: float = 0.01,
        steps: int = 100,
        batch_size: int = 16,
        clip: float | None = 1.0,
        shrink: float = 0.8,
        perturb: float = 0.2,
        **options: Any,
    ) -> None:
        choice("pooling", pooling, POOLINGS)
        number("dropout", dropout, least=0, below=1)
        if tokens not in (None, model):
            raise UserError(
                f"encoder.model={tokens} and task.model={model}: a model knows only its own "
                "tokens; task.model= names both"
            )
        super().__init__(
            Published(model, pooling, dropout),
            shape,
            classes,
            preprocess,
            optimizer=optimizer,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            steps=steps,
            batch_size=batch_size,
            clip=clip,
            shrink=shrink,
            perturb=perturb,
            **options,
        )

    def meet(self, pool: Rows) -> None:
        """Check that the pool's rows are tokens that the model knows."""
        if pool.inputs.dtype != torch.int32:
            raise _no_tokens(f"these are {pool.inputs.dtype}")
        trunk, largest = self.network.embed, int(pool.inputs.abs().max())
        assert isinstance(trunk, Pooled)
        if largest > trunk.vocabulary:
            raise UserError(
                f"the rows have tokens up to {largest - 1:,}, and the model knows "
                f"{trunk.vocabulary:,}: they are of the tokenizer of another model; give "
                "encoder.model and task.model the same"
            )


class Published:
    """Builds networks that begin with a model's weights, which it reads once.

    Args:
        model: a folder, `package:NAME`, or a name on the hub.
        pooling: mean or cls.
        dropout: before the head.
    """

    def __init__(self, model: str, pooling: str, dropout: float) -> None:
        self._model = model
        self._pooling = pooling
        self._dropout = dropout
        self._trunk: Pooled | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Published:
        return self  # its weights never change, and are large

    def __call__(self, shape: Shape, classes: int) -> Transformer:
        if len(shape) != 1:
            raise _no_tokens(f"these have the shape {shape}")
        if self._trunk is None:
            self._trunk = Pooled(network_of(model_folder(self._model)), self._pooling)
        demand_places(self._model, self._trunk.transformer, shape[0])
        return Transformer(deepcopy(self._trunk), classes, self._dropout)


class Transformer(Network):
    """A head on pooled tokens.

    Args:
        embed: tokens -> embeddings.
        classes: how many there are.
        dropout: before the head.
    """

    embed: Pooled

    def __init__(self, embed: Pooled, classes: int, dropout: float) -> None:
        super().__init__(embed, embed.width, classes, dropout)

    def stages(self, inputs: Tensor) -> Tensor:
        return self.embed.stages(inputs)


class Pooled(nn.Module):
    """One vector for each row, pooled from its tokens' vectors.

    Args:
        transformer: from the library transformers.
        pooling: mean or cls.
    """

    def __init__(self, transformer: Any, pooling: str) -> None:
        super().__init__()
        self.transformer = transformer
        self.pooling = pooling
        config = transformer.config
        self.width: int = config.hidden_size
        self.vocabulary: int = config.vocab_size
        self.filler: int = config.pad_token_id or 0
        typed = "token_type_ids" in signature(transformer.forward).parameters
        self.typed: bool = typed and getattr(config, "type_vocab_size", 0) > 1
        depth = config.num_hidden_layers
        self.layers = sorted({ceil(depth * stage / STAGES) for stage in range(1, STAGES)} - {depth})

    def forward(self, rows: Tensor) -> Tensor:  # (n, length) int32 -> (n, width)
        return _by_length(rows, self._embedded)

    def stages(self, rows: Tensor) -> Tensor:
        """The pooled outputs of some layers, side by side; the last is the embedding."""
        return _by_length(rows, self._staged)

    def _embedded(self, rows: Tensor) -> Tensor:
        return self._pool(self._read(rows).last_hidden_state, rows)

    def _staged(self, rows: Tensor) -> Tensor:
        read = self._read(rows, output_hidden_states=True)
        inner = [read.hidden_states[layer] for layer in self.layers]
        return torch.cat([self._pool(each, rows) for each in (*inner, read.last_hidden_state)], 1)

    def _read(self, rows: Tensor, **options: Any) -> Any:
        tokens = (rows.abs() - 1).long().masked_fill(rows == 0, self.filler)
        if self.typed:
            options["token_type_ids"] = (rows < 0).long()
        return self.transformer(tokens, attention_mask=_there(rows).long(), **options)

    def _pool(self, hidden: Tensor, rows: Tensor) -> Tensor:
        if self.pooling == "cls":
            return hidden[:, 0]
        there = _there(rows)[:, :, None].to(hidden.dtype)
        return (hidden * there).sum(1) / there.sum(1)


def _by_length(rows: Tensor, look: Callable[[Tensor], Tensor]) -> Tensor:
    """Read rows in order of length, so that none is batched with a much longer one.

    In training, the rows of a batch stay together.
    """
    lengths = _there(rows).sum(1)
    if torch.is_grad_enabled():
        return look(rows[:, : int(lengths.max())])
    order = lengths.argsort(stable=True)
    together = FEW if rows.device.type == "cpu" else MANY
    pieces = [look(rows[some, : int(lengths[some[-1]])]) for some in order.split(together)]
    return torch.cat(pieces)[order.argsort()]


def _there(rows: Tensor) -> Tensor:
    """Where a row has tokens; an empty row counts as one filler, since it needs something."""
    there = rows != 0
    there[:, 0] = True
    return there


def _no_tokens(found: str) -> UserError:
    return UserError(
        f"task=bert reads the tokens of texts, and {found}: give encoder=tokens and data of texts, "
        "or another task, such as logistic, for the features of another encoder"
    )
