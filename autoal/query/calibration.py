"""How sure the model may be of what it says."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.model.features import Features
from autoal.query.view import View

TEMPERATURES = 64  # that are tried for each power of ten


def temperature(view: View) -> float:
    """What the logits are to be divided by, from 0.1 to 10; 1 where no row tells."""
    rows, labels = view.validation, view.validation_labels
    if rows is not None and labels is not None and len(rows):
        return _best(torch.logspace(-1, 1, 2 * TEMPERATURES + 1), rows, labels)
    if len(view.labelled):
        return _best(torch.logspace(0, 1, TEMPERATURES + 1), view.labelled, view.labels)
    return 1.0


def _best(tried: Tensor, rows: Features, labels: Tensor) -> float:
    """The temperature of least log loss; a grid will do, as margins hardly feel the rest."""
    logits, labels = rows.logits, labels.to(rows.logits.device)
    losses = [float(cross_entropy(logits / each, labels)) for each in tried.tolist()]
    return float(tried[min(range(len(losses)), key=losses.__getitem__)])
