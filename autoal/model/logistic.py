"""Logistic regression as a task: every round finds its one optimum."""

from math import nan
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from autoal.bounds import number, switch
from autoal.data.inputs import all_finite
from autoal.data.rows import UNKNOWN, Rows, Shape
from autoal.errors import UserError
from autoal.maths.ridge import Family, Head
from autoal.maths.trust import Belief
from autoal.model.completed import completed
from autoal.model.lesson import Lesson, Weighted
from autoal.model.neighbourhood import Neighbourhood
from autoal.model.solved import Solved
from autoal.model.task import Batch
from autoal.model.tuning import UNTRIED, Choice, Tuned, granted, tuned

BLOCK = 4096  # rows of the pool read at a time
ROUNDING = 1e-15  # relative error of a sum in double precision, with a margin


class Logistic(Solved):
    """Multinomial logistic regression with an l2 penalty, trained to convergence.

    It minimises sum_i l(x_i, y_i) + l2 / 2 |W|^2 over all rows at once, in double precision. It
    starts at zero, and the sum of the intercepts, on which no loss depends, stays there. This is
    scikit-learn's model with C = 1 / l2, or 2 / l2 for two classes, which have one vector there.
    L-BFGS finds the optimum; if its iterations or the losses' digits do not suffice, Newton steps
    follow. Images are neither cropped nor flipped.

    With `tune`, every round finds the penalty, the temperature that divides the logits and the
    share of wrong labels, starting from the last round's penalty. They minimise the log loss on
    held-out labelled rows, along its exact gradient. There are five stratified folds, dealt from
    the shuffled rows; with fewer than ten rows each is a fold. If wrong labels explain the held-out
    rows better than none do, each row counts as much as its label can be trusted. As long as there
    is only one class, or every class has a single row, the penalty is 1/64 of the rows' mean
    squared distance from their centre, and nothing else is tuned.

    With `spread`, labels spread over the graph of the pool's nearest neighbours, and 500 of its
    rows join the training with the labels that reach them, if the same folds find that this lowers
    the log loss. A learner that has met no pool does without.

    Soft labels are targets with their class probabilities. Rows with ruled-out classes take part
    with the model's own probabilities of the remaining ones.

    Args:
        shape: of one row.
        classes: how many there are.
        preprocess: from rows as they are stored to the network's input.
        l2: the penalty on the weights, not on the intercepts; above 0, because without it the
            optimum of separable rows is infinitely far away. None means 1, unless `tune` finds it.
        tune: find the penalty, a temperature and the share of wrong labels in every round. None
            means yes, unless `l2` is given.
        spread: let labels spread over the pool where that helps.
        intercept: whether classes have one.
        tolerance: the largest final entry of the mean loss's gradient, unless rounding alone makes
            it larger.
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
        l2: float | None = None,
        tune: bool | None = None,
        spread: bool = False,
        intercept: bool = True,
        tolerance: float = 1e-6,
        iterations: int = 2000,
    ) -> None:
        super().__init__(shape, classes, preprocess, tolerance=tolerance, iterations=iterations)
        self.l2, self.tune = _wished(l2, tune)
        switch("spread", spread)
        switch("intercept", intercept)
        self.spread = spread
        self.network.head.bias.requires_grad_(intercept)
        self._pool: Neighbourhood | None = None
        self._taught: Weighted | None = None  # of the current training
        self._granted = False
        self._size = 1.0  # of the inputs, with which gradients grow
        if self._chooses:  # the choice is a part of what is learnt
            self.network.register_buffer("chosen", torch.zeros(5, dtype=torch.double))

    @property
    def believes(self) -> bool:
        return True

    @property
    def _chooses(self) -> bool:
        """Whether anything is chosen by cross-validation."""
        return self.tune or self.spread

    @property
    def _intercept(self) -> bool:
        """Whether classes have one."""
        return self.network.head.bias.requires_grad

    @property
    def _choice(self) -> Choice | None:
        """The last choice; None before the first."""
        l2, temperature, drawn, spread, _ = self.network.get_buffer("chosen").tolist()
        return Choice(l2, Belief(temperature, drawn), spread) if l2 else None

    def meet(self, pool: Rows) -> None:
        if self.spread:
            blocks = pool.blocks(torch.arange(len(pool)), BLOCK)
            self._pool = Neighbourhood(torch.cat([self._read(block.cpu()) for block in blocks]))

    def settled(self) -> dict[str, float]:
        if not self._chooses:
            return {}
        l2, temperature, _, spread, wrong = self.network.get_buffer("chosen").tolist()
        told = {"l2": l2, "temperature": temperature, "wrong": wrong} if self.tune else {"l2": l2}
        return told | {"spread": spread} if self.spread else told

    def settle(self) -> None:
        self._granted = self._chooses and self._choice is not None

    def renew(self, *, first: bool) -> None:
        for name, weight in self.network.state_dict().items():
            if name != "chosen" or (first and not self._granted):
                weight.zero_()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Choose what is not given, and begin at the optimum, which the step then confirms."""
        if not self._chooses and len(batch) == 2:
            return
        whole = self._whole(batch)
        if not all_finite(whole.features):
            raise self._unconverged(nan)
        self._size = max(1.0, float(whole.features.abs().max()))
        for group in self.trainer.optimizers[0].param_groups:
            group["tolerance_grad"] *= self._size
        head, self._taught = self._begun(whole, batch[1].cpu() == UNKNOWN)
        self.network.head.load_state_dict(head._asdict())

    def _begun(self, whole: Weighted, partly: Tensor) -> tuple[Head, Weighted]:
        """The optimum, and the rows it belongs to.

        Only the labelled rows decide what is chosen.
        """
        told = whole.take(~partly)
        lesson = Lesson(told.features, told.targets, self._pool, self._intercept)
        if self._chooses:
            head, told = self._chosen(lesson)
        else:
            head, told = lesson.optimum(self.l2, lesson.full_trust, 0.0)
        if not partly.any():
            return head, told
        penalty = self._penalty()
        return completed(told, whole.take(partly), head, penalty, intercept=self._intercept)

    def _chosen(self, lesson: Lesson) -> tuple[Head, Weighted]:
        """The optimum under the choice, which is noted."""
        found = self._tuned(lesson)
        l2, belief, spread = found.choice
        chosen = torch.tensor([l2, *belief, spread, found.wrong], dtype=torch.double)
        self.network.get_buffer("chosen").copy_(chosen)
        return found.head, found.taught

    def _tuned(self, lesson: Lesson) -> Tuned:
        before = self._choice
        if self._granted and before is not None:
            # A task that has met no pool, such as an exported one, cannot spread labels.
            within_reach = before if self._pool is not None else before._replace(spread=0.0)
            return granted(lesson, within_reach)
        begin = self.l2
        if self.tune:
            begin = UNTRIED * lesson.unit() if before is None else before.l2
        return tuned(lesson, begin, tune=self.tune, spread=self._pool is not None)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        inputs, labels = batch[:2]
        penalty = self._penalty() / 2 * self.network.head.weight.square().sum() / len(labels)
        if self._taught is None:
            return cross_entropy(self(inputs), labels) + penalty
        return self._taught.loss(self.network.head) / len(labels) + penalty

    def _penalty(self) -> float:
        return float(self.network.get_buffer("chosen")[0]) if self.tune else self.l2

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        if not self.steepest(batch) <= self.tolerance * self._size:
            taught = self._taught or self._whole(batch)
            self._finish(taught)
            self._confirm(self.steepest(batch), taught, labelled=len(batch[1]))
        self._taught = None
        if self._chooses:
            self._cool()

    def _finish(self, taught: Weighted) -> None:
        """Approach the optimum by Newton steps, as closely as rounding allows."""
        features, targets, weights = taught
        family = Family(features, targets, weights[:, None], intercept=self._intercept)
        found = family.optimum(self._penalty(), tolerance=0.0)
        self.network.head.load_state_dict(found.head._asdict())

    def _confirm(self, steepest: float, taught: Weighted, labelled: int) -> None:
        """Refuse a gradient above the tolerance that rounding does not explain."""
        rounding = ROUNDING * self._effort(taught) / labelled
        if not steepest <= max(self.tolerance * self._size, rounding):
            raise self._unconverged(steepest)

    def _unconverged(self, steepest: float) -> UserError:
        """The error for a gradient that is too steep, or not a number."""
        larger = "task.tolerance" if self.tune else "task.l2 or task.tolerance"
        return UserError(
            f"the regression did not converge: its gradient has an entry of {steepest:.1e}, "
            f"more than task.tolerance={self.tolerance:g}; give a larger {larger}, "
            "or columns of a smaller scale"
        )

    @torch.no_grad()
    def _effort(self, taught: Weighted) -> float:
        """The size of the largest numbers that cancel in the gradient of the summed loss."""
        weight, bias = (part.abs().cpu() for part in self.network.head.parameters())
        reach = taught.features.abs()
        sums = reach @ weight.T + bias
        return float((1 + sums.amax(1)) * taught.weights @ reach.amax(1))

    @torch.no_grad()
    def _cool(self) -> None:
        """Divide the logits by their temperature, now that the optimum is confirmed."""
        for weight in self.network.head.parameters():
            weight.div_(self.network.get_buffer("chosen")[1])

    def _whole(self, batch: Batch) -> Weighted:
        """All rows and their targets; each counts as one, except those without labels."""
        inputs, labels, *beliefs = batch
        with torch.no_grad(), torch.autocast(inputs.device.type, enabled=False):
            features = self._read(inputs).cpu().double()
        (targets,) = (each.cpu().double() for each in beliefs or [one_hot(labels, self.classes)])
        weights = torch.where(labels.cpu() == UNKNOWN, targets.amax(1), 1.0)
        return Weighted(features, targets, weights)

    def _read(self, inputs: Tensor) -> Tensor:
        """The head's inputs for rows as they are stored."""
        return self.network.embed(self.preprocess(inputs))


def _wished(l2: float | None, tune: bool | None) -> tuple[float, bool]:
    """The penalty to start with, and whether to find a better one."""
    switch("tune", tune, optional=True)
    if l2 is None:
        return 1.0, tune is not False
    number("l2", l2, above=0)
    if tune:
        raise ValueError(f"`tune` finds `l2`, so it cannot be {l2:g}: give only one")
    return l2, False
