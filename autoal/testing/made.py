"""Generated rows and views of them, for checks and tests."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from autoal.data.rows import Rows
from autoal.model.features import Features
from autoal.model.fitstep import unwatched
from autoal.model.learner import Learner
from autoal.model.predictions import Head
from autoal.query.view import Bench, Known, View
from autoal.seeding import derive, generator
from autoal.testing.means import ClassMeans, head_of

STAGES = (4, 6)  # widths of the network's earlier stages
SHAPE = (3, 8, 8)  # of an image


def make_view(
    pool: int = 60,
    labelled: int = 12,
    classes: int = 3,
    *,
    width: int = 8,
    validation: int = 0,
    stages: bool = False,
    fitted: bool = False,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> View:
    """A view of generated rows: a cluster of embeddings for each class, and a head that fits them.

    The same arguments make the same view. Classes take turns, so that the `labelled` rows have all
    of them if there are enough.

    Args:
        pool: number of rows that may be queried.
        labelled: number of labelled rows.
        classes: number of classes.
        width: of the embeddings.
        validation: number of validation rows; 0 for none.
        stages: whether there are the network's earlier stages too.
        fitted: whether the bench has learners that can be taught some labelled rows.
        dtype: of the embeddings.
        seed: of everything.
    """
    made = make((pool, labelled, validation), classes, width, stages=stages, seed=seed)
    tries = frozenset({"fitted"} if fitted else ())
    return replace(made, activations=made.activations.to(dtype), tries=tries).view()


@dataclass(frozen=True, eq=False)
class Made:
    """The parts of a view; `pool`, `labelled` and `validation` are positions among the rows."""

    rows: Tensor  # (n,) ascending
    labels: Tensor  # (n,)
    images: Tensor  # (n, 3, 8, 8)
    activations: Tensor  # the stages, if any, and the embeddings, side by side
    head: nn.Linear
    stages: bool
    pool: Tensor
    labelled: Tensor
    validation: Tensor
    seed: int
    tries: frozenset[str] = frozenset()  # which of `fitted` and `outcomes` the bench offers

    def view(self) -> View:
        return View(
            pool=self._features(self.pool),
            labelled=self._known(self.labelled),
            classes=self.head.out_features,
            seed=derive(self.seed, "view"),
            validation=self._known(self.validation) if len(self.validation) else None,
            bench=self._bench() if self.tries else None,
        )

    def with_activations(self, places: Tensor, value: Tensor | float) -> Made:
        """The same rows, with other activations for some of them."""
        activations = self.activations.clone()
        activations[places] = value
        return replace(self, activations=activations)

    def with_head(self, factor: float) -> Made:
        """The same rows with a head whose weights are larger by this factor."""
        head = deepcopy(self.head)
        weights = head.state_dict().items()
        head.load_state_dict({name: factor * weight for name, weight in weights})
        return replace(self, head=head)

    def _known(self, places: Tensor) -> Known:
        return Known(self._features(places), self.labels[places])

    def _features(self, places: Tensor) -> Features:
        inputs = torch.zeros(int(self.rows.max()) + 1, *SHAPE, dtype=torch.uint8)
        inputs[self.rows] = self.images
        texts = [""] * len(inputs)
        for place, row in enumerate(self.rows.tolist()):
            texts[row] = f"row {place} of what is made"
        return Features(
            replace(Rows.of(inputs), shown=texts),
            self.rows[places],
            lambda: self.activations[places],
            Head(deepcopy(self.head), seed=derive(self.seed, "features")),
            width=self.head.in_features if self.stages else None,
        )

    def _bench(self) -> Bench:
        return Bench(
            lambda name: nullcontext(),
            fitted=self._fitted if "fitted" in self.tries else None,
            outcome=self._outcome if "outcomes" in self.tries else None,
        )

    def _fitted(self, places: Tensor) -> Learner:
        """A learner that was fitted to these positions of the labelled rows, from their images."""
        taught = self.labelled[places]
        learner = ClassMeans(self.head.out_features, self.images[0].numel())
        learner.fit(Rows(self.images[taught], self.labels[taught]), first=True, watch=unwatched)
        return learner

    def _outcome(self, rows: Tensor, judges: Tensor) -> float:
        """A loss that depends on the batch and the true labels."""
        places = torch.searchsorted(self.rows, rows)
        return float(self.labels[places].float().mean() + self.activations[places].float().mean())


def make(
    sizes: tuple[int, int, int], classes: int, width: int = 8, *, stages: bool, seed: int
) -> Made:
    """Rows for the pool, labelled and validation, as many as `sizes` says."""
    stream, total = generator(seed, "rows"), sum(sizes)
    rows = torch.randperm(2 * total, generator=stream)[:total].sort().values
    order = torch.randperm(total, generator=stream)
    parts = [part.sort().values for part in order.split(list(sizes))]
    labels = torch.empty(total, dtype=torch.long)
    for part in parts:
        labels[part] = torch.arange(len(part)) % classes
    centres = torch.randn(classes, width, generator=stream)
    embeddings = centres[labels] + torch.randn(total, width, generator=stream)
    earlier = torch.randn(total, sum(STAGES), generator=stream)
    images = torch.randint(256, (total, *SHAPE), generator=stream, dtype=torch.uint8)
    activations = torch.cat([earlier, embeddings], 1) if stages else embeddings
    pool, labelled, validation = parts
    head = head_of(centres)
    return Made(rows, labels, images, activations, head, stages, pool, labelled, validation, seed)
