"""How much the presence of a word in a text says about the text's class, in bits."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor


def presence_gains(inside: Tensor, total: Tensor) -> Tensor:
    """The mutual information of each word's presence and a text's class, (words,).

    That is H(class) - P(w) H(class | w) - P(not w) H(class | not w).

    Args:
        inside: the (perhaps expected) texts of each class with a word, (words, classes).
        total: all texts of each class, (classes,).
    """
    without = (total - inside).clamp(min=0)  # rounding may go below 0
    joint = torch.stack([inside, without], 1).double() / total.sum()
    bits = torch.special.entr(joint) / log(2)
    alone = torch.special.entr(joint.sum(2)).sum(1) + torch.special.entr(joint.sum(1)).sum(1)
    return (alone / log(2) - bits.sum((1, 2))).clamp(min=0)


def speaking_for(inside: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    """The class for which each word speaks most, and the bits that its presence tells.

    It is the class most over-represented among the texts with the word; the bits are the divergence
    of the classes of texts with the word from those of all texts. One pseudo-text per class,
    distributed like all texts, is added, so that rare words say less.

    Args:
        inside: the texts of each class with a word, (words, classes).
        total: all texts of each class, (classes,).
    """
    base = (total.double() / total.sum()).clamp(min=torch.finfo(torch.double).tiny)
    smoothed = inside.double() + len(base) * base
    probs = smoothed / smoothed.sum(1, keepdim=True)
    lift = probs / base
    return lift.argmax(1), torch.special.xlogy(probs, lift).sum(1) / log(2)
