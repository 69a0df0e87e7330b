"""Rows on which separately taught learners disagree."""

from collections.abc import Iterator

import torch
from torch import Tensor, special
from torch.nn.functional import one_hot

from autoal import QueryStrategy, Scored, View
from autoal.bounds import choice, whole
from autoal.maths.folds import stratified

from .members import seen_by_member

SAMPLES = ("bootstrap", "folds")
MEASURES = ("votes", "divergence")


class Committee(QueryStrategy):
    """Largest disagreement of separately taught learners (Seung et al., 1992).

    Votes are compared by their entropy (Dagan and Engelson, 1995), probabilities by the mean
    divergence KL(p_member || p_mean) from the members' mean (McCallum and Nigam, 1998). Both are
    the entropy of the mean opinion minus the mean entropy of the opinions, which is 0 for votes. As
    long as nothing is labelled, all rows score 0.

    Args:
        members: of the committee, each a learner of the task's kind that is trained once a round.
        sample: what each of them learns: bootstrap (as many labelled rows of every class as it has,
            drawn with replacement) or folds (all labelled rows but one of as many parts).
        measure: of disagreement: votes or divergence.
    """

    reads = ("fitted", "labelled", "labels")

    def __init__(self, members: int = 5, sample: str = "bootstrap", measure: str = "votes") -> None:
        whole("members", members, least=2, most=1_000)
        choice("sample", sample, SAMPLES)
        choice("measure", measure, MEASURES)
        self.members = members
        self.sample = sample
        self.measure = measure

    def score(self, view: View, budget: int) -> Scored:
        return view.once((self, "disagreement"), lambda: self._disagreement(view))

    def _disagreement(self, view: View) -> Scored:
        lessons = [lesson for lesson in self._lessons(view) if len(lesson)]
        if not lessons:
            return Scored(torch.zeros(len(view.pool)))
        mean, noise = torch.zeros(len(view.pool), view.classes), torch.zeros(len(view.pool))
        for lesson in lessons:
            opinions = self._opinions(seen_by_member(view, lesson))
            mean += opinions / len(lessons)
            noise += special.entr(opinions).sum(1) / len(lessons)
        scores = (special.entr(mean).sum(1) - noise).clamp(min=0)
        return Scored(scores, {"members": len(lessons), "disagreement": float(scores.mean())})

    def _opinions(self, seen: View) -> Tensor:
        """A member's opinion of the pool, (n, classes), each row summing to 1."""
        probs = seen.pool.probs.float().cpu()
        return one_hot(probs.argmax(1), seen.classes).float() if self.measure == "votes" else probs

    def _lessons(self, view: View) -> Iterator[Tensor]:
        """Ascending places of the labelled rows that each member learns."""
        labels, stream = view.labelled.labels, view.generator()
        if self.sample == "folds":
            order = torch.randperm(len(labels), generator=stream)
            fold = stratified(labels, self.members, order)
            for number in range(self.members):
                yield (fold != number).nonzero().flatten()
        else:
            for _ in range(self.members):
                yield _resampled(labels, stream)


def _resampled(labels: Tensor, stream: torch.Generator) -> Tensor:
    """Places drawn with replacement from those of each class, ascending: as many as it has."""
    drawn = []
    for label in labels.unique():
        places = (labels == label).nonzero().flatten()
        drawn.append(places[torch.randint(len(places), places.shape, generator=stream)])
    return torch.cat([labels[:0], *drawn]).sort().values
