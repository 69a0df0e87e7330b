"""Filters for made texts that may join a pool."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from autoal.bounds import number, whole
from autoal.data.rows import Rows
from autoal.errors import UserError

WORDS = 2**14  # columns for hashed word counts, if an encoder gives no features


@dataclass(frozen=True)
class Limits:
    """Limits on made texts.

    Args:
        shortest: words of a text, at least.
        longest: at most.
        near: the cosine to the most similar row must be below it; 1: only copies are too near.
        far: the cosine to the most similar real row must be this at least.
    """

    shortest: int
    longest: int
    near: float
    far: float

    def __post_init__(self) -> None:
        whole("shortest", self.shortest, least=1)
        whole("longest", self.longest, least=1)
        if self.shortest > self.longest:
            raise UserError(
                f"growth.shortest={self.shortest} is above growth.longest={self.longest}"
            )
        number("near", self.near, least=0, most=1)
        number("far", self.far, least=-1, most=1)

    def of_length(self, text: str) -> str:
        """Why a text's number of words rules it out; empty if it does not."""
        words = len(text.split())
        if words < self.shortest:
            return "short"
        return "long" if words > self.longest else ""

    def of_place(self, nearest: float, nearest_real: float) -> str:
        """Why a text's similarity to other rows rules it out; empty if it does not."""
        if self.near < 1 and nearest >= self.near:
            return "near"
        return "far" if nearest_real < self.far else ""


class Sieve:
    """Lets pass texts that are neither copies nor too near nor too far.

    Args:
        limits: on the distances.
        known: the rows of the pool, real ones first, as texts and as the encoder sees them.
        real: how many of them are.
    """

    def __init__(self, limits: Limits, known: Rows, real: int) -> None:
        self.limits = limits
        self.known = known
        self.real = real
        self._there = {*map(folded, known.shown or ())}

    def judge(self, drafts: Rows) -> list[str]:
        """Why each draft may not join, given those before it; empty if it may."""
        known, mine = cosines(self.known, drafts), cosines(drafts, drafts)
        passed: list[int] = []
        found: list[str] = []
        for draft, text in enumerate(map(folded, drafts.shown or ())):
            nearest = torch.cat([known[:, draft], mine[passed, draft]]).max()
            place = self.limits.of_place(float(nearest), float(known[: self.real, draft].max()))
            found.append("copy" if text in self._there else place)
            if not found[-1]:
                passed.append(draft)
                self._there.add(text)
        self.known = self.known.joined(drafts.take(torch.tensor(passed, dtype=torch.long)))
        return found


def cosines(rows: Rows, drafts: Rows) -> Tensor:
    """How similar rows are to drafts, (rows, drafts), from -1 to 1.

    It uses the encoder's features or, if there are none, shared words.
    """
    if rows.inputs.is_floating_point():
        lines = [normalize(each.inputs.flatten(1).float(), dim=1) for each in (rows, drafts)]
        return (lines[0] @ lines[1].to(lines[0].device).T).cpu()
    from sklearn.feature_extraction.text import HashingVectorizer  # late: it takes a second

    words = HashingVectorizer(n_features=WORDS, alternate_sign=False)
    counts = [words.transform(map(str, each.shown or ())) for each in (rows, drafts)]
    return torch.from_numpy((counts[0] @ counts[1].T).toarray()).float()


def folded(text: str) -> str:
    """A text with irrelevant differences removed: case and spaces."""
    return " ".join(text.lower().split())
