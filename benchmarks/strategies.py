"""What a query costs: seconds and memory of every installed strategy, beside other packages.

    python -m benchmarks.strategies [--rows 50000] [--large] [--only NAME ...]

Each measurement is a fresh process with two threads, in which the features, and what else of the
view the strategy reads, are there already; the time is that of `select`, with the strategy's `fit`.
--large measures a million rows in half precision instead, in a table of its own.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from autoal import Features, Known, Rows, View, select
from autoal.errors import UserError
from autoal.model.features import Head
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.seeding import generator, seeded
from benchmarks.report import keep, table

ROOT = Path(__file__).resolve().parent.parent
WIDTH, CLASSES, THREADS = 512, 10, 2
LIMIT = 900  # seconds that one measurement may take
STAGES = 448  # numbers before the embedding in the stages of ResNet-18
FOLDER = "AUTOAL_BENCHMARK_ROWS"  # where the features of one run of this command are
Query = Callable[[View, int], object]


class Size(NamedTuple):
    """How large a pool is, and how much is asked for."""

    rows: int
    labelled: int
    batch: int
    half: bool = False
    device: str = "cpu"

    def __str__(self) -> str:
        kind = "float16" if self.half else "float32"
        return f"{self.rows:,} x {WIDTH} {kind}, {self.labelled:,} labelled, batch {self.batch:,}"


TRAINING = ("cheating_oracle", "committee", "selectal")  # train learners, and so wait for these
KEPT = "AUTOAL_BENCHMARK_KEPT"  # where measurements are kept, if they are
LARGE = Size(1_000_000, 1000, 1000, half=True)
NOTE = "Median seconds of so many runs, and the most memory beyond the features, two threads."


def rows_of(count: int, size: Size, width: int, name: str) -> tuple[Tensor, Tensor]:
    """Features of a mixture of classes in few directions, with noise, as a network's are."""
    stream = generator(0, "directions")
    centres = 1.5 * torch.randn(CLASSES, 16, generator=stream)
    directions = torch.randn(16, width, generator=stream)
    stream = generator(0, name)
    labels = torch.randint(CLASSES, (count,), generator=stream)
    features = torch.empty(count, width, dtype=torch.half if size.half else torch.float)
    for piece in torch.arange(count).split(50_000):
        inner = centres[labels[piece]] + torch.randn(len(piece), 16, generator=stream)
        noise = torch.randn(len(piece), width, generator=stream) / 2
        features[piece] = (inner @ directions + noise).relu_().to(features.dtype)
    return features, labels


def kept_rows(count: int, size: Size, width: int, name: str) -> tuple[Tensor, Tensor]:
    """The same, drawn once for all measurements."""
    path = Path(os.environ[FOLDER], f"{name}-{count}-{width}-{size.half}.pt")
    if not path.exists():
        torch.save(rows_of(count, size, width, name), path)
    rows, labels = torch.load(path)
    return rows.to(size.device), labels


def view_of(size: Size, reads: tuple[str, ...] | None) -> View:
    """A view in which all that is read has been computed."""
    stages = "stages" in (reads or ())
    width = WIDTH + STAGES * stages
    pool, _ = kept_rows(size.rows, size, width, "pool")
    labelled, labels = kept_rows(size.labelled, size, width, "labelled")
    with seeded(0, "head"):
        head = nn.Linear(WIDTH, CLASSES).to(size.device)

    blank = torch.zeros(1, 1, 1, 1, dtype=torch.uint8)

    def features(first: int, rows: Tensor) -> Features:
        numbers = torch.arange(first, first + len(rows))
        inputs = Rows.of(blank.expand(first + len(rows), 1, 1, 1))
        of_embedding = WIDTH if stages else None
        return Features(inputs, numbers, lambda: rows, Head(head), width=of_embedding)

    view = View(features(0, pool), Known(features(size.rows, labelled), labels), CLASSES, seed=0)
    if "validation" in (reads or ()):
        judges, known = kept_rows(size.labelled, size, width, "validation")
        held_out = features(size.rows + size.labelled, judges)
        view = replace(view, validation=Known(held_out, known))
    computed(view, reads)
    return view


def computed(view: View, reads: tuple[str, ...] | None) -> list[Tensor]:
    """What of the view is there before a query."""
    names = {"probs": "probs", "draws": "drawn_probs", "stages": "stages", "inputs": "inputs"}
    read = ["embeddings", *(names[name] for name in reads or () if name in names)]
    parts = (view.pool, view.labelled.features)
    return [getattr(part, name) for part in parts for name in read]


def theirs(name: str) -> Query | None:
    """The same strategy of scikit-activeml."""
    pool, classifier = import_module("skactiveml.pool"), import_module("skactiveml.classifier")
    linear = import_module("sklearn.linear_model").LogisticRegression(max_iter=20)
    strategies: dict[str, Any] = {
        "badge": pool.Badge,
        "coreset": pool.CoreSet,
        "entropy": lambda **seed: pool.UncertaintySampling(method="entropy", **seed),
        "least_confidence": lambda **seed: pool.UncertaintySampling(
            method="least_confident", **seed
        ),
        "margin": lambda **seed: pool.UncertaintySampling(method="margin_sampling", **seed),
        "maxherding": lambda **seed: pool.MaxHerding(metric_dict={"gamma": 1.0}, **seed),
        "probcover": pool.ProbCover,
        "random": pool.RandomSampling,
        "typiclust": pool.TypiClust,
    }
    if name not in strategies:
        return None
    prepared: dict[int, Any] = {}

    def query(view: View, budget: int) -> object:
        if id(view) not in prepared:
            parts = [view.labelled.features.embeddings, view.pool.embeddings]
            rows = torch.cat(parts).float().numpy()
            labels = np.full(len(rows), np.nan)
            labels[: len(view.labelled.labels)] = view.labelled.labels
            model = classifier.SklearnClassifier(linear, classes=list(range(CLASSES)))
            known = name in ("badge", "entropy", "least_confidence", "margin")
            extra = {"clf": model.fit(rows, labels), "fit_clf": False} if known else {}
            prepared[id(view)] = rows, labels, extra
            raise NotReady
        rows, labels, extra = prepared[id(view)]
        return strategies[name](random_state=0).query(rows, labels, batch_size=budget, **extra)

    return query


class NotReady(Exception):  # noqa: N818
    """The call only prepared what is not to be timed."""


def naive_coreset(view: View, budget: int) -> object:
    """Distances anew to all centres for every pick."""
    rows, centres = view.pool.embeddings.numpy(), view.labelled.features.embeddings.numpy()
    near = np.full(len(rows), np.inf)
    picks: list[int] = []
    for centre in centres:
        near = np.minimum(near, ((rows - centre) ** 2).sum(1))
    for _ in range(budget):
        picks.append(int(near.argmax()))
        near = np.minimum(near, ((rows - rows[picks[-1]]) ** 2).sum(1))
    return picks


def naive_kmeans(view: View, budget: int) -> object:
    """scikit-learn's, and the nearest row to each centre."""
    rows = view.pool.embeddings.numpy()
    cluster = import_module("sklearn.cluster").KMeans(budget, max_iter=20, random_state=0)
    return cluster.fit_transform(rows).argmin(0)


def naive_badge(view: View, budget: int) -> object:
    """k-means++ on gradients that are written out."""
    probs = view.pool.probs.numpy()
    errors = probs - np.eye(CLASSES, dtype=np.float32)[probs.argmax(1)]
    rows = (errors[:, :, None] * view.pool.embeddings.numpy()[:, None, :]).reshape(len(probs), -1)
    stream = np.random.default_rng(0)
    picks = [int((rows**2).sum(1).argmax())]
    near = np.full(len(rows), np.inf)
    for _ in range(budget - 1):
        near = np.minimum(near, ((rows - rows[picks[-1]]) ** 2).sum(1))
        picks.append(int(stream.choice(len(rows), p=near / near.sum())))
    return picks


def naive_herding(view: View, budget: int) -> object:
    """All gains anew for every pick, from a kernel matrix of the pool."""
    rows, known = view.pool.embeddings.numpy(), view.labelled.features.embeddings.numpy()
    rows, known = (
        features / np.linalg.norm(features, axis=1, keepdims=True) for features in (rows, known)
    )
    kernel = np.exp(2 * (rows @ rows.T - 1))
    covered = np.exp(2 * (rows @ known.T - 1)).max(1)
    picks: list[int] = []
    for _ in range(budget):
        picks.append(int(np.maximum(kernel - covered, 0).mean(1).argmax()))
        covered = np.maximum(covered, kernel[picks[-1]])
    return picks


def naive_bait(view: View, budget: int) -> object:
    """Every row's trace anew for every pick, by Woodbury's identity."""
    parts = []
    for part in (view.pool, view.labelled.features):
        top = part.probs.numpy().max(1, keepdims=True)
        parts.append(part.embeddings.numpy() * np.sqrt(top * (1 - top)))
    rows, known = parts
    inverse = np.linalg.inv(known.T @ known + np.eye(WIDTH, dtype=np.float32))
    whole = rows.T @ rows / len(rows)

    def forms(rows: Any) -> tuple[Any, Any]:
        reach = inverse @ whole @ inverse
        return ((rows @ inverse) * rows).sum(1), ((rows @ reach) * rows).sum(1)

    picks: list[int] = []
    for _ in range(2 * budget):
        inside, reach = forms(rows)
        worth = reach / (1 + inside)
        worth[picks] = -1
        picks.append(int(worth.argmax()))
        step = inverse @ rows[picks[-1]]
        inverse = inverse - np.outer(step, step) / (1 + rows[picks[-1]] @ step)
    while len(picks) > budget:
        inside, reach = forms(rows[picks])
        row = rows[picks.pop(int((reach / (1 - inside)).argmin()))]
        step = inverse @ row
        inverse = inverse + np.outer(step, step) / (1 - row @ step)
    return picks


NAIVE: dict[str, Query] = {
    "badge": naive_badge,
    "bait": naive_bait,
    "coreset": naive_coreset,
    "kmeans": naive_kmeans,
    "maxherding": naive_herding,
}


def measure(name: str, way: str, size: Size) -> dict[str, Any]:
    """Seconds of several queries, and the memory that they took beyond the view, in MiB."""
    torch.set_num_threads(THREADS)
    kind = registry.load(name)
    view = view_of(size, kind.reads)
    ways: dict[str, Query | None] = {
        "ours": lambda view, budget: select(kind(), view, budget),
        "theirs": theirs(name) if way == "theirs" else None,
        "naive": NAIVE.get(name),
    }
    query = ways[way]
    if query is None:
        return {}
    if size.device == "cuda":
        query(view, size.batch)  # the first call loads kernels
        torch.cuda.reset_peak_memory_stats()
    for tensor in computed(view, kind.reads):
        tensor.sum()  # back from where the kernel may have put it, or it would count as the query's
    before = _memory("VmRSS", size.device)
    times: list[float] = []
    # Five times what is quick, three times what is not, once what takes half a minute.
    while len(times) < (5 if sum(times) < 10 else 3 if sum(times) < 60 else 1):
        start = time.perf_counter()
        try:
            query(view, size.batch)
        except NotReady:
            before = _memory("VmRSS", size.device)
            continue
        if size.device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return {"seconds": times, "memory": _memory("VmHWM", size.device) - before}


def _memory(field: str, device: str) -> float:
    """Resident memory in MiB, now (VmRSS) or at most since it was last asked for (VmHWM)."""
    if device == "cuda":
        now, most = torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()
        return (now if field == "VmRSS" else most) / 2**20
    lines = Path("/proc/self/status").read_text().splitlines()
    found = next(line for line in lines if line.startswith(field))
    Path("/proc/self/clear_refs").write_text("5")  # the highest begins anew
    return int(found.split()[1]) / 1024


def measured(name: str, way: str, size: Size) -> dict[str, Any]:
    """The same in a fresh process, or as it was kept; empty where there is no such way."""
    folder = os.environ.get(KEPT)
    path = Path(folder, f"{name}-{way}-{size.rows}-{size.device}.json") if folder else None
    if path is not None and path.exists():
        return json.loads(path.read_text())
    found = _measured(name, way, size)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
    return found


def _measured(name: str, way: str, size: Size) -> dict[str, Any]:
    asked = json.dumps([name, way, *size])
    command = [sys.executable, "-m", "benchmarks.strategies", "--measure", asked]
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS), "OPENBLAS_NUM_THREADS": "2"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"above {LIMIT} s"}
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def shown(found: dict[str, Any]) -> list[str]:
    """Median seconds, how often, and memory."""
    if "seconds" not in found:
        return [found.get("failed", ""), "", ""]
    times = found["seconds"]
    return [f"{statistics.median(times):.2f}", str(len(times)), f"{found['memory']:,.0f}"]


def costs(names: list[str], size: Size) -> str:
    """The table of our strategies at one size."""
    header = ["strategy", "seconds", "runs", "MiB"]
    on_gpu = torch.cuda.is_available()
    rows = []
    for name in names:
        row = [name, *shown(measured(name, "ours", size))]
        if on_gpu:
            row += shown(measured(name, "ours", size._replace(device="cuda")))
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    return f"{size}\n\n{table(header + ['GPU seconds', 'runs', 'GPU MiB'] * on_gpu, rows)}"


def side_by_side(names: list[str], size: Size) -> str:
    """The table of ours, scikit-activeml's and naive ones."""
    rows = []
    for name in names:
        ours = measured(name, "ours", size)
        others = [measured(name, way, size) for way in ("theirs", "naive")]
        if "seconds" not in ours or not any(others):
            continue
        row = [name, shown(ours)[0], shown(ours)[2]]
        for other in others:
            seconds, _, memory = shown(other)
            ratio = ""
            if "seconds" in other:
                quick = statistics.median(other["seconds"]) / statistics.median(ours["seconds"])
                ratio = f"{quick:.1f}"
            row += [seconds, ratio, memory]
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    header = ["strategy", "ours, s", "MiB"]
    for way in ("scikit-activeml", "naive NumPy"):
        header += [f"{way}, s", "times ours", "MiB"]
    return f"{size}\n\n{table(header, rows)}"


def present(names: list[str]) -> list[str]:
    """The strategies that can be loaded."""
    found = []
    for name in names:
        try:
            registry.load(name)
        except UserError as error:
            print(f"skipped: {error}", file=sys.stderr)
        else:
            if name not in TRAINING:
                found.append(name)
    return found


def main() -> None:
    """Measure all and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--large", action="store_true", help="a million rows")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="strategies, instead of all")
    parser.add_argument("--resume", metavar="FOLDER", help="measurements there are not repeated")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        name, way, *size = json.loads(given.measure)
        print(json.dumps(measure(name, way, Size(*size))))
        return
    if given.resume:
        os.environ[KEPT] = given.resume
    with TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        names = present(given.only or list(STRATEGIES.installed()))
        if given.large:
            keep("strategies_large", f"{costs(names, LARGE)}\n\n{NOTE}")
        else:
            usual = costs(names, Size(given.rows, 1000, 1000))
            beside = side_by_side(names, Size(5000, 100, 100))
            keep("strategies", f"{usual}\n\n{beside}\n\n{NOTE}")


if __name__ == "__main__":
    main()
