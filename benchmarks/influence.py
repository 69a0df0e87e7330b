"""Influence compared with retraining, and with other ways to compute it.

    AUTOAL_DATA=FOLDER python -m benchmarks.influence

The folder has diabetic.csv (Diabetic Retinopathy Debrecen: 19 columns, the class last). `captum`,
a library for influence, comes with the extra `reference`.
"""

import os
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from autoal.strategies.surrogate import in_blocks
from matplotlib.figure import Figure
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer, load_digits
from torch import Tensor, nn
from torch.func import grad, vmap
from torch.nn.functional import cross_entropy, normalize

from autoal.maths.regressions import Regressions
from autoal.maths.slopes import influences, mean_gradient, with_intercept
from autoal.seeding import generator
from benchmarks.report import RESULTS, keep, table

JUDGES, TRIED = 150, 40  # rows
TRAIN, POOL, WIDTH = 2_000, 50_000, 512  # made rows whose scores are timed
THREADS = 2
SUBSET = 50  # rows used for per-row gradients

Rows = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Setting:
    """A data set, the scaling of its columns, and the penalty of its regression."""

    name: str
    load: Callable[[], Rows]
    train: int
    unit: bool
    penalty: float  # L of sum_i l_i + L / 2 |theta|^2
    shown: bool = False  # in the picture


def breast_cancer() -> Rows:
    """569 rows of 30 columns, 2 classes."""
    return _tensors(*load_breast_cancer(return_X_y=True))


def digits() -> Rows:
    """1,797 rows of 64 columns, 10 classes."""
    return _tensors(*load_digits(return_X_y=True))


def diabetic() -> Rows:
    """1,151 rows of 19 columns, 2 classes."""
    path = Path(os.environ["AUTOAL_DATA"], "diabetic.csv")
    values = np.genfromtxt(path, delimiter=",", skip_header=_header(path))
    return _tensors(values[:, :-1], values[:, -1])


def _header(path: Path) -> int:
    """The number of lines before the first that starts with a number."""
    lines = path.read_text().splitlines()
    return next(at for at, line in enumerate(lines) if line[:1].isdigit() or line[:1] == "-")


def _tensors(features: np.ndarray, labels: np.ndarray) -> Rows:
    return torch.from_numpy(features).double(), torch.from_numpy(labels).long()


SETTINGS = [
    Setting("breast cancer", breast_cancer, 200, False, 1.0),
    Setting("breast cancer", breast_cancer, 200, False, 10.0, shown=True),
    Setting("breast cancer", breast_cancer, 200, True, 0.2),
    Setting("digits", digits, 400, False, 1.0),
    Setting("digits", digits, 400, True, 1.0, shown=True),
    Setting("digits", digits, 400, True, 0.1),
    Setting("diabetic", diabetic, 400, False, 1.0),
    Setting("diabetic", diabetic, 400, False, 10.0, shown=True),
    Setting("diabetic", diabetic, 400, True, 1.0),
]


@dataclass(frozen=True)
class Problem:
    """A regression at its optimum, the rows that judge it, and candidates to add."""

    head: Regressions  # a single regression
    theta: Tensor
    judges: Rows
    pool: Rows

    @property
    def weight(self) -> float:
        """The weight of a row."""
        return 1 / len(self.head.features)

    @property
    def gradient(self) -> Tensor:
        """The gradient of the loss on the judging rows."""
        return mean_gradient(*self.judges, self.theta)

    def loss(self, theta: Tensor) -> float:
        """The loss on the judging rows."""
        return float(cross_entropy(self.judges[0] @ theta.T, self.judges[1]))

    def objective(self, theta: Tensor) -> Tensor:
        """The objective of training."""
        loss = cross_entropy(self.head.features @ theta.T, self.head.labels)
        return loss + self.head.ridge / 2 * theta.square().sum()

    def solved(self) -> Tensor:
        """H^-1 g at the optimum."""
        return solved(self.head, self.theta, self.gradient)

    def predicted(self) -> Tensor:
        """The falls in loss that influence predicts, (pool, classes)."""
        return influences(self.pool[0], self.theta, self.weight * self.solved())

    def realised(self) -> Tensor:
        """The falls in loss after retraining with each row and class, (pool, classes)."""
        before = self.loss(self.theta)
        falls = torch.empty(len(self.pool[0]), self.head.classes, dtype=torch.float64)
        for place, row in enumerate(self.pool[0]):
            for label in range(self.head.classes):
                theta = self.again(row[None], torch.tensor([label]), self.weight)
                falls[place, label] = before - self.loss(theta)
        return falls

    def batch(self, places: Tensor, labels: Tensor) -> float:
        """The fall in loss after retraining with all of these rows together."""
        theta = self.again(self.pool[0][places], labels, self.weight)
        return self.loss(self.theta) - self.loss(theta)

    def again(
        self, rows: Tensor, labels: Tensor, weight: float, tolerance: float = 1e-10
    ) -> Tensor:
        """The optimum with these rows added, each with this weight."""
        more = self.head.joined(rows, labels)
        weights = torch.cat([even(len(self.head.labels)), rows.new_full((1, len(rows)), weight)], 1)
        return more.minimise(weights, self.theta[None], tolerance)[0]


def even(count: int) -> Tensor:
    """The row weights of a single regression, (1, count)."""
    return torch.full((1, count), 1 / count, dtype=torch.float64)


def solved(head: Regressions, theta: Tensor, right: Tensor, tolerance: float = 1e-10) -> Tensor:
    """H^-1 right for a single regression, with H its Hessian at theta."""
    return head.solve(even(len(head.labels)), theta[None], right[None], tolerance)[0]


def problem(setting: Setting) -> Problem:
    """Rows drawn for training, for judging, and as candidates."""
    features, labels = setting.load()
    rows = (features - features.mean(0)) / features.std(0).clamp(min=1e-9)
    rows = with_intercept(normalize(features) if setting.unit else rows)
    order = torch.randperm(len(labels), generator=generator(0, "order"))
    order = order[: setting.train + JUDGES + TRIED]
    known, judges, pool = order.split([setting.train, JUDGES, TRIED])
    ridge, classes = setting.penalty / setting.train, int(labels.max()) + 1
    head = Regressions(rows[known], labels[known], classes, ridge)
    theta = head.minimise(even(setting.train))[0]
    return Problem(head, theta, (rows[judges], labels[judges]), (rows[pool], labels[pool]))


def compared(setting: Setting) -> tuple[list[str], np.ndarray, np.ndarray]:
    """A row of the table, and the predicted and the actual falls."""
    made = problem(setting)
    predicted, realised = made.predicted(), made.realised()
    best, truth = predicted.argmax(1), made.pool[1][:, None]
    top = predicted.amax(1).topk(10).indices
    cells = [
        setting.name,
        "length 1" if setting.unit else "standardised",
        f"{setting.penalty:g}",
        _correlation(predicted, realised),
        _correlation(predicted.gather(1, truth), realised.gather(1, truth)),
        _correlation(predicted.amax(1), realised.amax(1)),
        f"{float((best == realised.argmax(1)).double().mean()):.2f}",
        f"{float(predicted.amax(1)[top].sum()):+.3f}",
        f"{made.batch(top, best[top]):+.3f}",
    ]
    return cells, predicted.flatten().numpy(), realised.flatten().numpy()


def _correlation(left: Tensor, right: Tensor) -> str:
    return f"{spearmanr(left.flatten(), right.flatten()).statistic:.3f}"


def scatter(shown: list[tuple[str, np.ndarray, np.ndarray]]) -> Figure:
    """A plot of the actual falls over the predicted ones."""
    figure = Figure(figsize=(4 * len(shown), 3.8), layout="constrained")
    for axes, (name, predicted, realised) in zip(
        figure.subplots(1, len(shown)), shown, strict=True
    ):
        axes.axline((0, 0), slope=1, color="0.7", linewidth=1)
        axes.scatter(predicted, realised, s=6, alpha=0.5, linewidths=0)
        axes.set(title=name, xlabel="predicted fall", ylabel="fall after training again")
        axes.ticklabel_format(scilimits=(-3, 3))
    return figure


def exactness() -> str:
    """How closely independent computations agree with the numbers, on digits."""
    made = problem(SETTINGS[4])
    theta, right = made.theta, made.gradient
    hessian = torch.autograd.functional.hessian(made.objective, theta)
    factor = torch.linalg.cholesky(hessian.reshape(theta.numel(), theta.numel()))
    dense = torch.cholesky_solve(right.reshape(-1, 1), factor).reshape(theta.shape)
    little = 1e-4 * made.weight
    row, label = made.pool[0][:1], torch.tensor([0])
    moved = made.again(row, label, little, tolerance=1e-14)
    fallen = made.loss(theta) - made.loss(moved)
    foretold = float(made.predicted()[0, 0]) * 1e-4
    found = made.solved()
    gap = made.predicted() - by_gradients(made.pool[0], theta, made.weight * found)
    rows = [
        ["conjugate gradients and Cholesky", _apart(found - dense, dense)],
        ["a row of weight 1e-4, trained again", f"{abs(foretold / fallen - 1):.1e}"],
        ["gradients of each row by torch.func", _apart(gap, made.predicted())],
    ]
    return table(["against", "relative difference"], rows)


def _apart(difference: Tensor, whole: Tensor) -> str:
    return f"{float(difference.norm() / whole.norm()):.1e}"


def by_gradients(rows: Tensor, theta: Tensor, slope: Tensor) -> Tensor:
    """The influences from explicit gradients of each row and class."""

    def loss(theta: Tensor, row: Tensor, label: Tensor) -> Tensor:
        return cross_entropy((row @ theta.T)[None], label[None])

    gradients = vmap(vmap(grad(loss), (None, None, 0)), (None, 0, None))
    labels = torch.arange(len(theta))
    parts = [(gradients(theta, part, labels) * slope).sum((2, 3)) for part in rows.split(10)]
    return torch.cat(parts)


def speed(classes: int) -> list[str]:
    """Seconds and memory of all influences of the made rows, and of an alternative."""
    stream = generator(0, "speed", classes)
    centres = torch.randn(classes, WIDTH, generator=stream)
    labels = torch.randint(classes, (TRAIN + JUDGES,), generator=stream)
    known = centres[labels] + 2 * torch.randn(TRAIN + JUDGES, WIDTH, generator=stream)
    pool = torch.randn(POOL, WIDTH, generator=stream)
    rows = with_intercept(normalize(known))
    head = Regressions(rows[:TRAIN], labels[:TRAIN], classes, 1 / TRAIN)
    begin = time.perf_counter()
    theta = head.minimise(even(TRAIN), tolerance=1e-8)[0]
    fit = time.perf_counter() - begin
    gradient = mean_gradient(rows[TRAIN:], labels[TRAIN:], theta)
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    begin = time.perf_counter()
    slope = solved(head, theta, gradient, tolerance=1e-6) / TRAIN
    solve = time.perf_counter() - begin
    found = in_blocks([pool], len(pool), lambda part: influences(part, theta, slope))
    total = time.perf_counter() - begin
    memory = _memory("VmHWM") - before
    some = with_intercept(normalize(pool[:SUBSET]))
    by_gradients(some[:1], theta, slope)  # the first call includes preparation
    begin = time.perf_counter()
    slow = by_gradients(some, theta, slope)
    scaled = (time.perf_counter() - begin) / SUBSET * POOL
    assert torch.allclose(slow, found[:SUBSET].double(), rtol=1e-3, atol=1e-8)
    return [
        str(classes),
        f"{fit:.2f}",
        f"{solve:.3f}",
        f"{total:.2f}",
        f"{memory / 2**20:.2f}",
        f"{scaled:,.0f}",
    ]


def _memory(name: str) -> int:
    """Of this process, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def library() -> str:
    """Our influences and captum's, for 60 rows and 10 classes of digits."""
    from captum.influence import NaiveInfluenceFunction
    from torch.utils.data import TensorDataset

    made = problem(SETTINGS[4])
    begin = time.perf_counter()
    ours = made.predicted()
    own = time.perf_counter() - begin
    classes, rows = made.head.classes, made.pool[0]
    model = nn.Linear(rows.shape[1], classes, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(made.theta)
    tried = TensorDataset(
        rows.repeat_interleave(classes, 0), torch.arange(classes).repeat(len(rows))
    )
    with tempfile.NamedTemporaryFile(suffix=".pt") as checkpoint:
        torch.save(model.state_dict(), checkpoint.name)
        begin = time.perf_counter()
        theirs = NaiveInfluenceFunction(
            model,
            tried,
            checkpoint.name,
            loss_fn=nn.CrossEntropyLoss(reduction="none"),
            batch_size=200,
            hessian_dataset=TensorDataset(made.head.features, made.head.labels),
            projection_dim=None,  # all of them; the default keeps 50
            hessian_reg=made.head.ridge * len(made.head.labels),
        ).influence(made.judges)
        seconds = time.perf_counter() - begin
    assert isinstance(theirs, Tensor)
    found = theirs.mean(0).reshape(ours.shape)
    cells = [[f"{own:.3f}", f"{seconds:.2f}", _apart(found - ours, ours)]]
    return table(["ours, s", "captum, s", "relative difference"], cells)


def main() -> None:
    """Measure, draw, and keep the tables."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(THREADS)
    found = [compared(setting) for setting in SETTINGS]
    shown = [
        (f"{setting.name}, L = {setting.penalty:g}", predicted, realised)
        for setting, (_, predicted, realised) in zip(SETTINGS, found, strict=True)
        if setting.shown
    ]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "autoal"}):  # always the same
        scatter(shown).savefig(RESULTS / "influence.svg", metadata={"Date": None})
    header = ["data", "features", "L", "all", "true class", "best class", "same best class"]
    header += ["ten best: predicted", "ten best: added together"]
    speeds = [speed(classes) for classes in (10, 100)]
    parts = [
        f"Rank correlation of influence with training again, {TRIED} rows, every class; the fall "
        "of the validation loss for the ten best rows with their best classes",
        table(header, [cells for cells, _, _ in found]),
        "![predicted and realised falls](influence.svg)",
        exactness(),
        f"All influences of {POOL:,} x {WIDTH} rows, {TRAIN:,} labelled; seconds on {THREADS} "
        f"threads. Beside them, the gradients of each row by torch.func, from {SUBSET} rows",
        table(
            ["classes", "fit, s", "solve, s", "solve and score, s", "GiB", "by torch.func, s"],
            speeds,
        ),
        f"{TRIED} x 10 influences on digits beside those of captum",
        library(),
    ]
    keep("influence", "\n\n".join(parts))


if __name__ == "__main__":
    main()
