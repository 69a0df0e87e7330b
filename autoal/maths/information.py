"""Batches by their Fisher information about a last layer (Ash et al., 2021).

A row's information is the Kronecker product of the covariance of its predicted class and h h' of
its features h. It is never written out: of a matrix over all weights of the layer, a row needs only
the form (1 x h)' matrix (1 x h), with an entry for every pair of classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.maths.geometry import blocks, in_one

ACTIVE = 1024  # fewest rows to keep up to date between two passes over all rows
SHARE = 50  # or one row in this many, if that is more
ANEW = 32  # rows whose worth is computed at once, until no other can be worth more


class Change(NamedTuple):
    """The change in M^-1 and M^-1 F M^-1 over all weights when a row comes or goes."""

    steps: Tensor  # (classes * width, classes): M^-1 falls or rises by steps steps'
    turns: Tensor  # (classes * width, classes): the other rises by turns steps' + steps turns'


class Evidence:
    """The information of rows about a last layer.

    Args:
        features: (n, width); processed in float32, or in float64 if they are of that type.
        covariances: of the class, (n, classes, classes) float64.
    """

    def __init__(self, features: Tensor, covariances: Tensor) -> None:
        self.features = features
        self.covariances = covariances
        self.dtype = torch.promote_types(features.dtype, torch.float32)
        self.width, self.classes = features.shape[1], covariances.shape[1]

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, places: Tensor) -> Evidence:
        return Evidence(self.features[places].to(self.dtype), self.covariances[places])

    def information(self) -> Tensor:
        """The sum over all rows, (classes * width, classes * width) float64."""
        columns = self.classes**2 * self.width
        total = self.features.new_zeros(self.width, columns, dtype=torch.float64)
        for piece, block in blocks(self.features, columns, self.dtype):
            covariances = self.covariances[piece].to(self.dtype)
            total += block.T @ (covariances[..., None] * block[:, None, None]).flatten(1)
        total = total.view(self.width, self.classes, -1).transpose(0, 1)
        return total.reshape(self.classes * self.width, -1)

    def forms(self, matrix: Tensor) -> Tensor:
        """The rows' forms of a symmetric matrix over all weights, (n, classes, classes) float64."""
        first, second = torch.tril_indices(self.classes, self.classes)  # a form is symmetric too
        inner = matrix.to(self.dtype).view(self.classes, self.width, self.classes, self.width)
        pairs = inner[first, :, second]  # (pairs of classes, width, width)
        # A row writes width² numbers, or writes and then reads width for each pair.
        squared = self.width < 2 * len(pairs)
        parts = self._by_squares(pairs) if squared else self._by_sides(pairs)
        found = in_one(parts, len(self))
        places = first.new_empty(self.classes, self.classes)
        places[first, second] = places[second, first] = torch.arange(len(first))
        entries = found.index_select(1, places.flatten().to(found.device))
        return entries.double().view(-1, self.classes, self.classes)

    def _by_sides(self, matrices: Tensor) -> Iterator[Tensor]:
        """The form h' matrix h of each row and matrix, block by block."""
        flat = matrices.transpose(0, 1).reshape(self.width, -1)
        for _, block in blocks(self.features, flat.shape[1], self.dtype):
            yield ((block @ flat).view(len(block), -1, self.width) @ block[:, :, None]).squeeze(2)

    def _by_squares(self, matrices: Tensor) -> Iterator[Tensor]:
        """The same, by way of h h'."""
        flat = matrices.flatten(1).T.contiguous()
        for _, block in blocks(self.features, len(flat), self.dtype):
            yield (block[:, :, None] * block[:, None]).flatten(1) @ flat

    def follow(self, forms: Forms, changes: Sequence[Change], sign: int) -> None:
        """Update the forms in place for rows that came (1) or went (-1)."""
        steps, turns = (torch.cat(part, 1) for part in zip(*changes, strict=True))
        flat = self._met(torch.cat([steps, turns], 1))
        for piece, block in blocks(self.features, flat.shape[1], self.dtype):
            along = (block @ flat).view(len(block), self.classes, -1)
            step, turn = along.chunk(2, 2)
            forms.inside[piece] -= sign * _products(step, step)
            turned = _products(turn, step)
            forms.reach[piece] += turned + turned.mT

    def _met(self, directions: Tensor) -> Tensor:
        """Directions over all weights, reshaped to meet features, (width, classes * directions)."""
        parts = directions.to(self.dtype).reshape(self.classes, self.width, -1)
        return parts.transpose(0, 1).reshape(self.width, -1)


class Forms(NamedTuple):
    """All rows' forms of M^-1 and M^-1 F M^-1, (n, classes, classes) float64 each."""

    inside: Tensor
    reach: Tensor

    def at(self, places: Tensor) -> Forms:
        """The forms of some rows."""
        return Forms(self.inside[places], self.reach[places])

    def worth(self, covariances: Tensor, sign: int) -> Tensor:
        """How much each row lowers the expected loss by coming (1) or going (-1), (n,)."""
        return sign * (_share(covariances, self.inside, sign) * self.reach.mT).sum((1, 2))


class Batch:
    """A batch and its remaining expected loss, tr(M^-1 F), as rows come and go.

    By Woodbury's identity everything follows from the rows' forms, which cost two products per
    change.

    Args:
        inverse: M^-1 of the existing information, over all weights, float64.
        whole: F, the information of the pool.
    """

    def __init__(self, inverse: Tensor, whole: Tensor) -> None:
        self.inverse = inverse.contiguous()  # `inv` returns columns, which are slow to read here
        self.reach = inverse @ whole @ self.inverse

    def worth(self, rows: Evidence) -> Tensor:
        """How much each row would lower the expected loss, (n,)."""
        return self._forms(rows).worth(rows.covariances, 1)

    def grow(self, rows: Evidence, count: int) -> list[int]:
        """Add the row that lowers the loss most, again and again."""
        return self._best(rows, min(count, len(rows)), 1)

    def shrink(self, rows: Evidence, picks: list[int], count: int) -> list[int]:
        """Drop the row that raises the loss least, again and again."""
        own = rows[torch.tensor(picks, dtype=torch.long)]
        # In double precision, as few rows may span a direction alone.
        gone = set(self._best(Evidence(own.features.double(), own.covariances), count, -1))
        return [pick for place, pick in enumerate(picks) if place not in gone]

    def _best(self, rows: Evidence, count: int, sign: int) -> list[int]:
        """Let the row come (1) or go (-1) that lowers the loss most, again and again.

        A row's worth falls with nearly every other that comes or goes, so between two passes over
        all rows only those of greatest worth are followed.
        """
        forms = self._forms(rows)
        done = torch.zeros(len(rows), dtype=torch.bool, device=forms.inside.device)
        picks: list[int] = []
        while len(picks) < count:
            worth = forms.worth(rows.covariances, sign).masked_fill_(done, -torch.inf)
            top = worth.topk(min(len(rows), max(ACTIVE, len(rows) // SHARE)))
            active, room = top.indices, min(count - len(picks), len(top.indices))
            newest, changes = self._first(rows[active], forms.at(active), top.values, room, sign)
            done[active[newest]] = True
            picks += active[newest].tolist()
            # Many changes of many classes take longer to follow than the forms take to make.
            if 4 * len(changes) * rows.classes < rows.width * (rows.classes + 1):
                rows.follow(forms, changes, sign)
            else:
                forms = self._forms(rows)
        return picks

    def _first(
        self, rows: Evidence, forms: Forms, worth: Tensor, count: int, sign: int
    ) -> tuple[list[int], list[Change]]:
        """The next picks, as long as they are worth at least what the last of these rows was."""
        bound = float(worth[-1])
        picks: list[int] = []
        changes: list[Change] = []
        while len(picks) < count:
            best = _leader(worth, lambda some: forms.at(some).worth(rows.covariances[some], sign))
            if picks and worth[best] < bound:
                break
            picks.append(best)
            worth[best] = -torch.inf
            changes.append(self._change(rows, best, sign))
            rows.follow(forms, changes[-1:], sign)
        return picks, changes

    def _forms(self, rows: Evidence) -> Forms:
        return Forms(rows.forms(self.inverse), rows.forms(self.reach))

    def _change(self, rows: Evidence, place: int, sign: int) -> Change:
        """Let a row come (1) or go (-1)."""
        covariance, row = rows.covariances[place], rows.features[place].double()
        classes, width = rows.classes, rows.width
        near, far = (part.view(-1, classes, width) @ row for part in (self.inverse, self.reach))
        inside, reach = (row @ part.view(classes, width, classes) for part in (near, far))
        root = _root(_share(covariance, inside, sign))
        steps = near @ root
        turns = steps @ (root.T @ reach @ root) / 2 - sign * (far @ root)
        change = Change(steps, turns)
        self.inverse.addmm_(steps, steps.T, alpha=-sign)
        self.reach.addmm_(torch.cat(change, 1), torch.cat(change[::-1], 1).T)
        return change


def _leader(worth: Tensor, anew: Callable[[Tensor], Tensor]) -> int:
    """The place of the greatest worth, of which these are upper bounds.

    From the greatest on they are replaced by what `anew` computes, until none of the others can
    lead.
    """
    known = torch.zeros_like(worth, dtype=torch.bool)
    while not known[best := int(worth.argmax())]:
        top = worth.masked_fill(known, -torch.inf).topk(min(ANEW, len(worth)))
        some = top.indices[top.values != -torch.inf]  # NaN too, or it would lead for ever
        worth[some] = anew(some)
        known[some] = True
    return best


def _share(covariances: Tensor, inside: Tensor, sign: int) -> Tensor:
    """(covariance^-1 + sign inside)^-1, the factor in a row's effect when it comes or goes."""
    if covariances.shape[-1] == 1:  # as below, but many times faster
        return covariances / (1 + sign * covariances * inside)
    one = torch.eye(covariances.shape[-1]).to(inside)
    return torch.linalg.solve(one + sign * covariances @ inside, covariances)


def _root(square: Tensor) -> Tensor:
    """A matrix whose product with its own transpose is this one."""
    values, vectors = torch.linalg.eigh((square + square.T) / 2)
    return vectors * values.clamp(min=0).sqrt()


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Products of each row's directions of the classes, (n, classes, classes)."""
    if left.shape[1] == 1:  # as below, but many times faster
        return (left * right).sum(2, keepdim=True)
    return left @ right.mT


def of_top(probs: Tensor) -> Tensor:
    """The variance of the predicted class against the others, (n, 1, 1) float64."""
    top = probs.double().amax(1)
    return (top * (1 - top)).clamp(min=0)[:, None, None]


def of_all(probs: Tensor, directions: Tensor) -> Tensor:
    """The covariances of all classes along directions, (n, directions, directions) float64."""
    probs = probs.double()
    means = probs @ directions
    products = directions[:, :, None] * directions[:, None]
    return torch.tensordot(probs, products, 1) - means[:, :, None] * means[:, None]


def moments(features: Tensor) -> Tensor:
    """The sum of h h' over the rows, (width, width) float64."""
    return Evidence(features, torch.ones(len(features), 1, 1, device=features.device)).information()


def leading(square: Tensor, count: int) -> Tensor:
    """The directions of its largest eigenvalues, or all if there are no more, (n, count)."""
    return torch.linalg.eigh(square).eigenvectors[:, -count:]


def along(features: Tensor, directions: Tensor) -> Tensor:
    """The rows along directions (width, count), (n, count) float32."""
    directions = directions.float()
    rows = features.new_empty(len(features), directions.shape[1], dtype=torch.float32)
    for piece, block in blocks(features, directions.shape[1]):
        rows[piece] = block @ directions
    return rows
