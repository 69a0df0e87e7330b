"""A model's view of some rows: computed once a round, and only if somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from math import inf

import torch
from torch import Tensor, nn

from autoal.data.inputs import all_finite
from autoal.data.room import demand_room
from autoal.data.rows import Rows, chosen
from autoal.data.texts import demand_encoded, written_of
from autoal.errors import UserError, diverged
from autoal.model.lent import Lent
from autoal.model.predictions import BLOCK, PIECE, Predictions, demand_finite, demand_lines

Clock = Callable[[], AbstractContextManager[None]]  # runs while a model looks at rows


class Features:
    """One look at some rows, shared by all strategies of a round.

    Classes that are ruled out for a row have a probability of 0, and the others share the rest.

    The activations cost one pass of the model, on first read; a strategy that reads nothing costs
    nothing.

    Args:
        source: the rows of the data set, without labels; None if nobody has their inputs.
        rows: the numbers of those looked at, (n,) long, ascending.
        activations: the model's, (n, width) of any floating type: the embeddings or, if `width` is
            given, all of the network's stages side by side, the last of which is the embedding.
        predictions: computes logits and draws.
        width: of the embedding, if `activations` gives all stages.
        clock: runs while the model looks.
        glance: the embeddings of any of the rows, by number, if that costs no more than reading
            them. The embeddings of a large pool are then recomputed piece by piece for readers that
            can work with pieces.
    """

    def __init__(
        self,
        source: Rows | None,
        rows: Tensor,
        activations: Callable[[], Tensor],
        predictions: Predictions,
        *,
        width: int | None = None,
        clock: Clock = nullcontext,
        glance: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        if not bool((rows[1:] > rows[:-1]).all()):
            raise ValueError("`rows` must be ascending row numbers, each once")
        self.source = source
        self.clock = clock
        self._look = activations
        self._predictions = predictions
        self._width = width
        self._glance = glance
        self._lent = Lent()
        self._rows = self._lent.give("rows", rows)
        if source is not None:
            self._lent.give("source", source.inputs)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def rows(self) -> Tensor:
        """The numbers of the rows, (n,) long, ascending."""
        return self._rows

    @property
    def inputs(self) -> Tensor:
        """The model's inputs for the rows, such as images, (n, ...)."""
        return self._lent.once("inputs", self._read)

    @property
    def texts(self) -> list[str]:
        """The texts of the rows, if they are texts."""
        written = None if self.source is None else written_of(self.source)
        if written is None:
            raise UserError("this view was made without `texts`, which the strategy reads")
        return chosen(written, self.rows)

    @property
    def embeddings(self) -> Tensor:
        """The penultimate features, (n, width)."""
        return self._activations if self._width is None else self._activations[:, -self._width :]

    @property
    def width(self) -> int:
        """The width of the embeddings."""
        return self.embedded(torch.zeros(min(1, len(self)), dtype=torch.long)).shape[1]

    def embedded(self, places: Tensor) -> Tensor:
        """The embeddings at these places, in their order; in a large pool, only those."""
        if self._large:
            return self._seen(_at(self.rows, places))
        return _at(self.embeddings, places)

    def pieces(self) -> Iterator[Tensor]:
        """The embeddings of all rows, as many at a time as there is room for."""
        if self._large:
            yield from map(self._seen, self.rows.split(PIECE))
        else:
            yield self.embeddings

    @property
    def stages(self) -> Tensor:
        """The network's stages, pooled, side by side, (n, sum of their widths).

        Available only to a strategy that names them in `reads`, since they take memory.
        """
        if self._width is None:
            raise RuntimeError(
                "a strategy that reads `stages` must name them in its `reads`, and a view of "
                "arrays must be given some"
            )
        return self._activations

    @property
    def has_stages(self) -> bool:
        """Whether `stages` may be read."""
        return self._width is not None

    @property
    def logits(self) -> Tensor:
        """Unnormalised log-probabilities, (n, classes)."""
        return self._lent.once("logits", self._predicted)

    @property
    def probs(self) -> Tensor:
        """Class probabilities, (n, classes)."""
        return self._lent.once("probs", lambda: self.logits.softmax(1))

    @property
    def drawn_probs(self) -> Tensor:
        """Class probabilities from several draws of the model, (draws, n, classes).

        A draw is one plausible model for all rows, so that its predictions for two rows belong
        together.
        """
        return self._lent.once("drawn_probs", self._drawn)

    def logits_at(self, embeddings: Tensor) -> Tensor:
        """Logits at any points of the space of the embeddings, (m, width) -> (m, classes).

        They can be differentiated with respect to the points. The caller limits the number of
        points.
        """
        return self._predictions.logits_at(embeddings)

    def changed(self) -> list[str]:
        """Tensors that were handed out and then written to."""
        return self._lent.changed()

    def places(self, rows: Tensor) -> Tensor:
        """The places of some of its rows, given by their numbers in the data set."""
        return torch.searchsorted(self.rows, rows.to(self.rows.device))

    def take(self, places: Tensor) -> Features:
        """Some of the rows, by ascending places, without another look."""
        return self._derived(places, self._predictions.of(self, places))

    def under(self, head: nn.Module | None, seed: int) -> Features:
        """The same rows under another head; None changes only the seed of the draws."""
        return self._derived(None, self._predictions.under(self, head, seed))

    def cooled(self, by: float) -> Features:
        """The same rows with logits divided by a temperature."""
        return self._derived(None, self._predictions.cooled(self, by))

    def _derived(self, places: Tensor | None, predictions: Predictions) -> Features:
        def activations() -> Tensor:
            if places is None:
                return self._activations
            if self._large and len(rows) <= PIECE:
                return self._seen(rows)
            return _at(self._activations, places)

        rows = self.rows if places is None else self.rows[places]
        glance = self._seen if self._large else None
        return Features(
            self.source, rows, activations, predictions, width=self._width, glance=glance
        )

    @property
    def _large(self) -> bool:
        """Whether embeddings are recomputed rather than kept."""
        return self._glance is not None and len(self) > PIECE

    def _seen(self, numbers: Tensor) -> Tensor:
        """The recomputed embeddings of the rows of these numbers."""
        assert self._glance is not None
        with self.clock():
            return self._glance(numbers)

    @property
    def _activations(self) -> Tensor:
        return self._lent.once("embeddings", self._looked)

    def _looked(self) -> Tensor:
        with self.clock():
            activations = self._look()
        demand_lines("activations", activations, 2, len(self))
        del self._look  # and with it any copy of the model's earlier state
        if not all_finite(activations):
            # In blocks, since this test takes more memory than the numbers.
            bad = sum(int((~part.isfinite().all(1)).sum()) for part in activations.split(BLOCK))
            raise diverged(f"features of {bad} of {len(self)} rows are")
        return activations

    def _read(self) -> Tensor:
        if self.source is None:
            raise UserError("this view was made without `inputs`, which the strategy reads")
        demand_encoded(self.source)
        inputs = self.source.inputs
        demand_room("inputs", len(self), inputs[:1].nbytes)
        return inputs[self.rows.to(inputs.device)]

    def _predicted(self) -> Tensor:
        logits = self._predictions.logits(self)
        demand_lines("logits", logits, 2, len(self))
        demand_finite(logits[None])
        return self._possible(logits)

    def _drawn(self) -> Tensor:
        logits = self._predictions.drawn(self)
        demand_lines("draws", logits, 3, len(self))
        demand_finite(logits)
        return self._possible(logits).softmax(2)

    def _possible(self, logits: Tensor) -> Tensor:
        """The logits, which are minus infinity for classes ruled out for a row."""
        possible = None if self.source is None else self.source.possible(self.rows)
        return logits if possible is None else logits.where(possible.to(logits.device), -inf)


def _at(lines: Tensor, places: Tensor) -> Tensor:
    return lines[places.to(lines.device)]
