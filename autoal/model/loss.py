"""The loss of what was told of rows: labels, or how likely each class is, or what they are not."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.data.rows import UNKNOWN


def told_loss(
    logits: Tensor, labels: Tensor, beliefs: Tensor | None = None, *, label_smoothing: float = 0.0
) -> Tensor:
    """The mean loss of rows: the cross-entropy of a label, -log p(S) of a row that is one of S.

    Args:
        logits: (n, classes).
        labels: (n,), UNKNOWN of rows without one.
        beliefs: of each row, (n, classes), as `Rows` have them; None: labels are all there is.
        label_smoothing: of the cross-entropy.
    """
    if beliefs is None:
        return cross_entropy(logits, labels, label_smoothing=label_smoothing)
    beliefs = beliefs.to(logits)
    full = cross_entropy(logits, beliefs, reduction="none", label_smoothing=label_smoothing)
    return torch.where(labels == UNKNOWN, partial_losses(logits, beliefs), full).mean()


def partial_losses(logits: Tensor, beliefs: Tensor) -> Tensor:
    """-w log sum_c p_c over the classes that each row may be, (n,), where w is its weight.

    Args:
        logits: (n, classes).
        beliefs: the weight for each class that a row may be, (n, classes).
    """
    weights = beliefs.amax(1, keepdim=True)
    may = (beliefs / weights).log()
    return -weights[:, 0] * (logits.log_softmax(1) + may).logsumexp(1)
