"""Linear tasks solved on all rows at once, to the one optimum of their loss."""

from functools import partial
from typing import Self

import torch
from torch import nn

from autoal.bounds import LARGEST, number, whole
from autoal.data.rows import Shape
from autoal.model.networks import MLP
from autoal.model.task import Batch, Task


class Solved(Task):
    """A linear layer whose loss has one optimum, which L-BFGS finds from zero in every round.

    It computes in double precision. Images are neither cropped nor flipped.

    Args:
        shape: of one row.
        classes: how many there are.
        preprocess: from rows as they are stored to the network's input.
        tolerance: the largest final entry of the mean loss's gradient.
        iterations: most L-BFGS iterations in a round.
    """

    def __init__(
        self,
        shape: Shape,
        classes: int,
        preprocess: nn.Module,
        *,
        tolerance: float,
        iterations: int,
    ) -> None:
        network = partial(MLP, hidden=(), dropout=0.0)
        # One optimizer step, which iterates inside, on one batch of all rows.
        super().__init__(network, shape, classes, preprocess, steps=1, batch_size=LARGEST)
        number("tolerance", tolerance, above=0)
        whole("iterations", iterations, least=1, most=1_000_000)
        self.tolerance = tolerance
        self.iterations = iterations
        self.double()
        self.train()  # leaves the preprocessing in eval mode, for meeting a pool
        self.renew(first=True)

    def renew(self, *, first: bool) -> None:
        for weight in self.network.state_dict().values():
            weight.zero_()

    def train(self, mode: bool = True) -> Self:
        """Without augmentation, which would move the optimum at every evaluation."""
        super().train(mode)
        self.preprocess.eval()
        return self

    def steepest(self, batch: Batch) -> float:
        """The largest entry of the gradient."""
        gradients = torch.autograd.grad(self.training_step(batch, 0), self._free())
        return max(float(gradient.abs().max()) for gradient in gradients)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return lbfgs(self.network, self.iterations, self.tolerance / 2)

    def _free(self) -> list[nn.Parameter]:
        return free(self.network)


def free(module: nn.Module) -> list[nn.Parameter]:
    """The weights that learn."""
    return [weight for weight in module.parameters() if weight.requires_grad]


def lbfgs(module: nn.Module, iterations: int, tolerance: float) -> torch.optim.LBFGS:
    """L-BFGS that reaches the optimum in one step, to this largest entry of the gradient."""
    return torch.optim.LBFGS(
        free(module),
        max_iter=iterations,
        max_eval=2 * iterations,
        tolerance_grad=tolerance,
        tolerance_change=0.0,
        history_size=20,
        line_search_fn="strong_wolfe",
    )
