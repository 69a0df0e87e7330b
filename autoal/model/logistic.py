"""Logistic regression as a task: one optimum, which every round finds."""

from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from autoal.bounds import LARGEST, number, switch, whole
from autoal.data.rows import Rows, Shape
from autoal.errors import UserError
from autoal.model.neighbourhood import Neighbourhood
from autoal.model.networks import MLP
from autoal.model.task import Batch, Task
from autoal.model.tuning import Weighted, tuned

BLOCK = 4096  # rows of the pool that are read at a time


class Logistic(Task):
    """Multinomial logistic regression with an l2 penalty, trained to convergence by L-BFGS.

    It minimises sum_i l(x_i, y_i) + l2 / 2 |W|^2 over all rows at once, in double precision, and
    starts at zero, where the intercepts' sum, which no loss depends on, then stays. This is
    scikit-learn's model with C = 1 / l2, and for two classes, which have one vector there, 2 / l2.
    Images are neither cropped nor flipped.

    With `l2` null, the penalty is chosen in every round: the one of the least mean log loss over
    five stratified folds of the labelled rows, or over single rows where there are less than ten,
    out of seven between 4 and 1/1024 times the rows' mean squared distance from their centre. As
    long as there is only one class, or every class has a single row, it is 1/64 of that.

    With `spread`, labels spread over the graph of the pool's nearest neighbours, and 500 of its
    rows learn along with what reaches them where the same folds find the log loss lower so. A
    learner that has met no pool goes without.

    Args:
        shape: of one row.
        classes: how many there are.
        preprocess: from rows as they are stored to the network's input.
        l2: the penalty on the weights, not on the intercepts; above 0, as the optimum of separable
            rows is infinitely far away without. None: by cross-validation.
        spread: let labels spread over the pool where that helps.
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
        l2: float | None = 1.0,
        spread: bool = False,
        intercept: bool = True,
        tolerance: float = 1e-6,
        iterations: int = 2000,
    ) -> None:
        network = partial(MLP, hidden=(), dropout=0.0)
        # One step of the optimizer, which iterates inside, on one batch of all rows.
        super().__init__(network, shape, classes, preprocess, steps=1, batch_size=LARGEST)
        number("l2", 1.0 if l2 is None else l2, above=0)
        switch("spread", spread)
        number("tolerance", tolerance, above=0)
        whole("iterations", iterations, least=1, most=1_000_000)
        switch("intercept", intercept)
        self.l2 = l2
        self.spread = spread
        self.tolerance = tolerance
        self.iterations = iterations
        self.network.head.bias.requires_grad_(intercept)
        self._pool: Neighbourhood | None = None
        self._joined: Weighted | None = None
        if self._tunes:
            self.network.register_buffer("chosen", torch.zeros(2))  # a part of what is learnt
        self.double()
        self.train()  # which leaves the preprocessing in eval mode, for a pool that is met
        self.renew(first=True)

    @property
    def _tunes(self) -> bool:
        """Whether anything is chosen by cross-validation."""
        return self.l2 is None or self.spread

    @property
    def _chosen(self) -> Tensor:
        """The penalty, and the weight of the rows that joined for each labelled one, (2,)."""
        return self.network.get_buffer("chosen")

    def meet(self, pool: Rows) -> None:
        if self.spread:
            blocks = pool.blocks(torch.arange(len(pool)), BLOCK)
            self._pool = Neighbourhood(torch.cat([self._read(block.cpu()) for block in blocks]))

    def settled(self) -> dict[str, float]:
        if not self._tunes:
            return {}
        l2, weight = self._chosen.tolist()
        return {"l2": l2, "spread": weight} if self.spread else {"l2": l2}

    def renew(self, *, first: bool) -> None:
        for weight in self.network.state_dict().values():
            weight.zero_()

    def train(self, mode: bool = True) -> Self:
        """Without augmentation, which would move the optimum at every evaluation."""
        super().train(mode)
        self.preprocess.eval()
        return self

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Choose what is not given, and begin at the optimum, which the step then confirms."""
        if not self._tunes:
            return
        inputs, labels = batch
        intercept = self.network.head.bias.requires_grad
        with torch.autocast(inputs.device.type, enabled=False):
            features = self._read(inputs).cpu().double()
            targets = one_hot(labels.cpu(), self.classes).double()
            found = tuned(features, targets, self.l2, self._pool, intercept=intercept)
        self._joined = found.joined
        self.network.head.load_state_dict(found.head._asdict())
        self._chosen.copy_(torch.tensor([found.l2, found.weight]))

    def training_step(self, batch: Batch, index: int) -> Tensor:
        inputs, labels = batch
        l2 = self._chosen[0] if self.l2 is None else self.l2
        penalty = l2 / 2 * self.network.head.weight.square().sum()
        if self._joined is not None:
            penalty = penalty + self._joined.loss(self.network.head)
        return cross_entropy(self(inputs), labels) + penalty / len(labels)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        free = [weight for weight in self.network.parameters() if weight.requires_grad]
        gradients = torch.autograd.grad(self.training_step(batch, batch_idx), free)
        self._joined = None
        largest = max(float(gradient.abs().max()) for gradient in gradients)
        if not largest <= self.tolerance:
            raise UserError(
                f"the regression did not converge in {self.iterations} iterations: its gradient "
                f"has an entry of {largest:.1e}, more than task.tolerance={self.tolerance:g}; "
                "a larger task.l2 or more task.iterations would do"
            )

    def _read(self, inputs: Tensor) -> Tensor:
        """What the head reads of rows as they are stored."""
        return self.network.embed(self.preprocess(inputs))

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
