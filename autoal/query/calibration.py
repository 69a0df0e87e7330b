"""Calibration: how sure the model may be of its predictions."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.query.view import Known, View

TEMPERATURES = 64  # to try for each power of ten


def temperature(view: View) -> float:
    """The best divisor of the logits, from 0.1 to 10; 1 without rows to tell."""

    def found() -> float:
        if view.validation is not None and len(view.validation):
            return _best(torch.logspace(-1, 1, 2 * TEMPERATURES + 1), view.validation)
        if len(view.labelled):
            return _best(torch.logspace(0, 1, TEMPERATURES + 1), view.labelled)
        return 1.0

    return view.once("temperature", found)


def cooled(view: View) -> View:
    """The view with the model's predictions calibrated by temperature scaling."""
    by = temperature(view)
    if by == 1:
        return view
    return view.once("cooled", lambda: view.through(lambda features: features.cooled(by)))


def _best(tried: Tensor, known: Known) -> float:
    """The temperature of least log loss, on a grid, since margins hardly depend on the rest."""
    logits = known.features.logits
    labels = known.labels.to(logits.device)
    losses = [float(cross_entropy(logits / by, labels)) for by in tried.tolist()]
    return float(tried[min(range(len(losses)), key=losses.__getitem__)])
