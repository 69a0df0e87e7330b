"""The slopes of logistic regressions, and the effect of an added row on a loss.

The search asks how the loss on checked rows changes as the weight of a training row does; salutary
influence asks the same of rows that might be added. Both are the product of a gradient with H^-1 g,
and the Hessian is that of the *training* loss, its penalty included.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot


def with_intercept(features: Tensor) -> Tensor:
    """The features in double precision with a column of ones, (n, d + 1)."""
    features = features.double()
    return torch.cat([features, torch.ones_like(features[:, :1])], 1)


def residual(features: Tensor, labels: Tensor, theta: Tensor) -> Tensor:
    """P - e_y, the gradient of each row's loss with respect to its logits, (n, classes)."""
    return (features @ theta.T).softmax(1) - one_hot(labels, len(theta))


def mean_gradient(features: Tensor, labels: Tensor, theta: Tensor) -> Tensor:
    """The gradient of the mean loss of the rows, (classes, d)."""
    return residual(features, labels, theta).T @ features / len(features)


def influences(features: Tensor, theta: Tensor, slope: Tensor) -> Tensor:
    """The first-order effect of adding each row with each class on a loss, (n, classes).

    The sign: a number above 0 predicts by how much the loss **falls** when the row is added, so the
    highest is the best. The optimum moves by -w H^-1 grad l(x, c), and with grad l(x, c) = (p -
    e_c) x', a product of no more than `slope` with x is left of it; no gradient of a row is ever
    written out.

    Args:
        features: of the rows, (n, d).
        theta: the optimum, (classes, d).
        slope: w H^-1 g, (classes, d): w is the weight that a row is added with, H the Hessian of
            the training loss at the optimum, and g the gradient of the loss that is to fall.
    """
    logits, moved = (features @ torch.cat([theta, slope]).T).split(len(theta), 1)
    return (logits.softmax(1) * moved).sum(1, keepdim=True) - moved
