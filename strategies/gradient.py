"""Rows that would move the last layer, each by itself or as a batch."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from autoal import Features, QueryStrategy, View, from_order
from autoal.bounds import number
from autoal.maths.geometry import blocks, seeds


class Badge(QueryStrategy):
    """Diverse and large gradients of the last layer, if the model is right (Ash et al., 2020).

    A row's gradient is the outer product of (probabilities - predicted class) and embedding;
    k-means++ draws from them, after the largest.
    """

    reads = ("embeddings", "probs")

    def score(self, view: View, budget: int) -> Tensor:
        probs, features = view.pool.probs, view.pool.embeddings
        errors = probs - one_hot(probs.argmax(1), probs.shape[1])  # (n, classes)
        lengths = torch.cat([(block**2).sum(1) for _, block in blocks(features, 1)])
        largest = int((lengths * (errors**2).sum(1)).argmax())
        picks, distances = seeds([errors, features], budget, view.generator(), largest)
        return from_order(picks, distances)


class Bait(QueryStrategy):
    """Least error to expect over the pool, by the last layer's information (Ash et al., 2021).

    The batch S is to minimise tr((I_S + I_labelled + regularisation)^-1 I_pool) of the Fisher
    information: twice as many rows as asked for are picked one by one, then the least useful of
    them are given back one by one. The likelihood is that of the predicted class against the
    others, so that a row's information is g g' with g = sqrt(p (1 - p)) times its embedding.

    Args:
        regularisation: added to the diagonal of the information.
    """

    reads = ("embeddings", "probs", "labelled")

    def __init__(self, regularisation: float = 1.0) -> None:
        number("regularisation", regularisation, above=0)
        self.regularisation = regularisation

    def score(self, view: View, budget: int) -> Tensor:
        rows, labelled = _scaled(view.pool), _scaled(view.labelled.features)
        known = labelled.information()
        known.diagonal().add_(self.regularisation)
        batch = Batch(torch.linalg.inv(known), rows.information() / max(len(view.pool), 1))
        picks = batch.grow(rows, 2 * budget)
        picks = batch.shrink(rows, picks, len(picks) - budget)
        worth = batch.worth(rows)
        worth[picks] = 0
        return from_order(picks, worth.float())


class Scaled:
    """Rows g_i = scale_i h_i, of which no copy is kept."""

    def __init__(self, features: Tensor, scale: Tensor) -> None:
        self.features = features
        self.scale = scale

    def __getitem__(self, places: int | list[int]) -> Tensor:
        return self.features[places].double() * self.scale[places, None].double()

    def information(self) -> Tensor:
        """Sum of g g' over the rows, (width, width) float64."""
        width = self.features.shape[1]
        total = self.features.new_zeros(width, width, dtype=torch.float64)
        for piece, block in blocks(self.features, width):
            block = block * self.scale[piece, None]
            total += block.T @ block
        return total

    def forms(self, matrix: Tensor) -> Tensor:
        """The form g' matrix g for every row, (n,) float64."""
        matrix = matrix.float()
        parts = [
            ((block @ matrix) * block).sum(1) * self.scale[piece] ** 2
            for piece, block in blocks(self.features, len(matrix))
        ]
        return torch.cat(parts).double()

    def along(self, directions: Tensor) -> Tensor:
        """The products g' directions for every row, (n, directions) float64."""
        directions = directions.float()
        parts = [
            (block @ directions) * self.scale[piece, None]
            for piece, block in blocks(self.features, 1)
        ]
        return torch.cat(parts).double()


def _scaled(rows: Features) -> Scaled:
    """By the standard deviation of the predicted class against the others."""
    top = rows.probs.amax(1)
    return Scaled(rows.embeddings, (top * (1 - top)).clamp(min=0).sqrt())


class Batch:
    """A batch by what it leaves to be expected, tr(M^-1 F), under rows that come and go.

    A row g changes M by g g', so that by Woodbury's identity all of it follows from g' M^-1 g and
    g' M^-1 F M^-1 g; and for all rows these two follow each other at two products a change.

    Args:
        inverse: M^-1, of the information that there is, (width, width).
        whole: F, the information of the pool, (width, width).
    """

    def __init__(self, inverse: Tensor, whole: Tensor) -> None:
        self.inverse = inverse
        self.whole = whole

    def worth(self, rows: Scaled) -> Tensor:
        """By how much each row would lower what is left, (n,)."""
        return rows.forms(self._reach()) / (1 + rows.forms(self.inverse))

    def grow(self, rows: Scaled, count: int) -> list[int]:
        """Take in the row that lowers most, again and again."""
        inside, reach = rows.forms(self.inverse), rows.forms(self._reach())
        taken = torch.zeros_like(inside)
        picks: list[int] = []
        while len(picks) < min(count, len(inside)):
            best = int((reach / (1 + inside) - taken).argmax())
            taken[best] = torch.inf
            picks.append(best)
            directions, factor, size = self._change(rows[best], 1)
            _follow(inside, reach, rows.along(directions), factor, size)
        return picks

    def shrink(self, rows: Scaled, picks: list[int], count: int) -> list[int]:
        """Give back the row that raises least, again and again."""
        own = rows[picks]  # float64, as few rows may hold a direction alone
        inside = ((own @ self.inverse) * own).sum(1)
        reach = ((own @ self._reach()) * own).sum(1)
        gone = torch.zeros_like(inside)
        for _ in range(count):
            least = int((reach / (1 - inside) + gone).argmin())
            gone[least] = torch.inf
            directions, factor, size = self._change(own[least], -1)
            _follow(inside, reach, own @ directions, factor, size)
        return [pick for pick, out in zip(picks, gone.tolist(), strict=True) if not out]

    def _reach(self) -> Tensor:
        return self.inverse @ self.whole @ self.inverse

    def _change(self, row: Tensor, sign: int) -> tuple[Tensor, Tensor, Tensor]:
        """Add or take away g g'; M^-1 loses factor v v', with v the first direction."""
        direction = self.inverse @ row
        pushed = self.whole @ direction
        directions = torch.stack([direction, self.inverse @ pushed], 1)
        factor = sign / (1 + sign * (row @ direction))
        self.inverse -= factor * torch.outer(direction, direction)
        return directions, factor, direction @ pushed


def _follow(inside: Tensor, reach: Tensor, along: Tensor, factor: Tensor, size: Tensor) -> None:
    """What a change does to both numbers of every row, in place."""
    first, second = along.unbind(1)
    inside -= factor * first**2
    reach += factor * first * (factor * size * first - 2 * second)


class Egl(QueryStrategy):
    """Largest expected length of the gradient of the last layer (Settles et al., 2007).

    The mean, over the classes that the model predicts, of the length of the loss's gradient if
    that class were the label: |p - e_c| |(h, 1)|, where the 1 is what the bias is multiplied with.
    """

    reads = ("embeddings", "probs")

    def score(self, view: View, budget: int) -> Tensor:
        probs, embeddings = view.pool.probs, view.pool.embeddings
        scores = torch.empty_like(probs[:, 0])
        for piece, block in blocks(embeddings, probs.shape[1]):
            lengths = ((block**2).sum(1) + 1).sqrt()
            scores[piece] = _expected_surprise(probs[piece]) * lengths
        return scores


def _expected_surprise(probs: Tensor) -> Tensor:
    """sum_c p_c |p - e_c|, (n,)."""
    squares, top = probs**2, probs.argmax(1, keepdim=True)
    others = squares.sum(1, keepdim=True) - squares  # (n, classes)
    # Of a sure prediction this difference would be rounding alone; a sum without it is not.
    others.scatter_(1, top, squares.scatter(1, top, 0).sum(1, keepdim=True))
    return (probs * (others + (1 - probs) ** 2).sqrt()).sum(1)
