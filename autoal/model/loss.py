"""The loss under labels, class probabilities or ruled-out classes."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.data.rows import UNKNOWN


def told_loss(
    logits: Tensor, labels: Tensor, beliefs: Tensor | None = None, *, label_smoothing: float = 0.0
) -> Tensor:
    """The mean loss of rows: the cross-entropy of a label, or -log p(S) for a row of classes S.

    Args:
        logits: (n, classes).
        labels: (n,), UNKNOWN for rows without one.
        beliefs: of each row, (n, classes), as in `Rows`; None: there are only labels.
        label_smoothing: of the cross-entropy.
    """
    if beliefs is None:
        return cross_entropy(logits, labels, label_smoothing=label_smoothing)
    beliefs = beliefs.to(logits)
    full = cross_entropy(logits, beliefs, reduction="none", label_smoothing=label_smoothing)
    return torch.where(labels == UNKNOWN, partial_losses(logits, beliefs), full).mean()


def partial_losses(logits: Tensor, beliefs: Tensor) -> Tensor:
    """-w log sum_c p_c over the classes that each row may have, (n,), where w is its weight.

    Args:
        logits: (n, classes).
        beliefs: the weight for each class that a row may have, (n, classes).
    """
    weights = beliefs.amax(1, keepdim=True)
    may = (beliefs / weights).log()
    return -weights[:, 0] * (logits.log_softmax(1) + may).logsumexp(1)
