"""Logistic regression as a task: one optimum, which every round finds."""

from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from autoal.bounds import LARGEST, number, switch, whole
from autoal.data.rows import Shape
from autoal.errors import UserError
from autoal.model.networks import MLP
from autoal.model.task import Batch, Task


class Logistic(Task):
    """Multinomial logistic regression with an l2 penalty, trained to convergence by L-BFGS.

    It minimises sum_i l(x_i, y_i) + l2 / 2 |W|^2 over all rows at once, in double precision, and
    starts at zero, where the intercepts' sum, which no loss depends on, then stays. This is
    scikit-learn's model with C = 1 / l2, and for two classes, which have one vector there, 2 / l2.
    Images are neither cropped nor flipped.

    Args:
        shape: of one row.
        classes: how many there are.
        preprocess: from rows as they are stored to the network's input.
        l2: the penalty on the weights, not on the intercepts; above 0, as the optimum of separable
            rows is infinitely far away without.
        intercept: whether classes have one.
        tolerance: the largest entry that the gradient of the mean loss may have in the end.
        iterations: of L-BFGS in a round at most.

    Raises:
        UserError: in training, when the tolerance is not reached.
    """

    def __init__(
        self,
        shape: Shape,
        classes: int,
        preprocess: nn.Module,
        *,
        l2: float = 1.0,
        intercept: bool = True,
        tolerance: float = 1e-6,
        iterations: int = 2000,
    ) -> None:
        network = partial(MLP, hidden=(), dropout=0.0)
        # One step of the optimizer, which iterates inside, on one batch of all rows.
        super().__init__(network, shape, classes, preprocess, steps=1, batch_size=LARGEST)
        number("l2", l2, above=0)
        number("tolerance", tolerance, above=0)
        whole("iterations", iterations, least=1, most=1_000_000)
        switch("intercept", intercept)
        self.l2 = l2
        self.tolerance = tolerance
        self.iterations = iterations
        self.network.head.bias.requires_grad_(intercept)
        self.double()
        self.renew(first=True)

    def renew(self, *, first: bool) -> None:
        for weight in self.network.parameters():
            weight.detach().zero_()

    def train(self, mode: bool = True) -> Self:
        """Without augmentation, which would move the optimum at every evaluation."""
        super().train(mode)
        self.preprocess.eval()
        return self

    def training_step(self, batch: Batch, index: int) -> Tensor:
        inputs, labels = batch
        penalty = self.l2 / 2 * self.network.head.weight.square().sum()
        return cross_entropy(self(inputs), labels) + penalty / len(labels)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        free = [weight for weight in self.network.parameters() if weight.requires_grad]
        gradients = torch.autograd.grad(self.training_step(batch, batch_idx), free)
        largest = max(float(gradient.abs().max()) for gradient in gradients)
        if not largest <= self.tolerance:
            raise UserError(
                f"the regression did not converge in {self.iterations} iterations: its gradient "
                f"has an entry of {largest:.1e}, more than task.tolerance={self.tolerance:g}; "
                "a larger task.l2 or more task.iterations would do"
            )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(
            [weight for weight in self.network.parameters() if weight.requires_grad],
            max_iter=self.iterations,
            max_eval=2 * self.iterations,
            tolerance_grad=self.tolerance / 2,
            tolerance_change=0.0,
            history_size=20,
            line_search_fn="strong_wolfe",
        )
