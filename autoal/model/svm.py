"""A linear support vector machine as a task."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from autoal.bounds import number
from autoal.data.contract import LEAST
from autoal.data.rows import Shape
from autoal.errors import UserError
from autoal.model.solved import Solved
from autoal.model.task import Batch


class Svm(Solved):
    """A linear support vector machine, each class against the others.

    It minimises |w|^2 / 2 + c sum_i max(0, 1 - t_i f(x_i))^2 for every class, where t_i is 1 for
    the rows of the class and -1 for all others, and the intercept is one of the weights. This is
    scikit-learn's LinearSVC on rows divided by the root of their mean squared length, so that `c`
    means the same for every encoder. With two classes, each has the other's vector with the
    opposite sign.

    The values of f are the logits. A softmax of them serves as probabilities: it ranks rows by
    their margins, and is not calibrated.

    Args:
        shape: of one row.
        classes: how many there are.
        preprocess: from rows as they are stored to the network's input.
        c: the cost of rows inside the margin, relative to the length of the vectors.
        tolerance: the largest final entry of the mean loss's gradient, divided by c.
        iterations: most L-BFGS iterations in a round.

    Raises:
        UserError: in training, if the tolerance is not reached.
    """

    def __init__(
        self,
        shape: Shape,
        classes: int,
        preprocess: nn.Module,
        *,
        c: float = 1.0,
        tolerance: float = 1e-6,
        iterations: int = 2000,
    ) -> None:
        number("c", c, above=0)
        super().__init__(shape, classes, preprocess, tolerance=tolerance, iterations=iterations)
        self.c = c
        self._length = 1.0  # root mean square length of the rows learnt

    @torch.no_grad()
    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        lengths = self._read(batch).square().sum(1)
        self._length = max(float(lengths.mean().sqrt()), LEAST)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        sides = 2 * one_hot(batch[1], self.classes) - 1
        logits = self.network.head(self._read(batch) / self._length)
        missing = (1 - sides * logits).clamp(min=0)  # to the margin
        squares = [weight.square().sum() for weight in self.network.head.parameters()]
        return (missing.square().sum() + sum(squares) / (2 * self.c)) / len(sides)

    def _read(self, batch: Batch) -> Tensor:
        """The head's inputs."""
        return self.network.embed(self.preprocess(batch[0])).double()

    def on_train_batch_end(self, outputs: object, batch: Batch, batch_idx: int) -> None:
        steepest = self.steepest(batch)
        if not steepest <= self.tolerance:
            raise UserError(
                f"the support vector machine did not converge: its gradient has an entry of "
                f"{steepest:.1e}, more than task.tolerance={self.tolerance:g}; give a larger one, "
                "more task.iterations or a smaller task.c"
            )
        with torch.no_grad():  # for rows at their original length
            self.network.head.weight.div_(self._length)
