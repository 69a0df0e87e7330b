"""The cost of one query, in a fresh process."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from autoal import select
from autoal.query import registry
from benchmarks.strategies import products
from benchmarks.strategies.others import NAIVE, NotReady, Query, theirs
from benchmarks.strategies.rows import Size, computed, view_of

ROOT = Path(__file__).resolve().parent.parent.parent
THREADS = 2
LIMIT = 900  # limit of one measurement in seconds
KEPT = "AUTOAL_BENCHMARK_KEPT"  # the folder of kept measurements, if they are kept


def measure(name: str, way: str, size: Size) -> dict[str, Any]:
    """Seconds of several queries, and their memory beyond the view, in MiB."""
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
    # Five times if fast, three times if slower, once if it takes half a minute.
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
    memory = _memory("VmHWM", size.device) - before
    needed = products.seconds(name, size) if way == "ours" else []
    return {"seconds": times, "memory": memory, "products": needed}


def _memory(field: str, device: str) -> float:
    """Resident memory in MiB, now (VmRSS) or at most since the last call (VmHWM)."""
    if device == "cuda":
        now, most = torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()
        return (now if field == "VmRSS" else most) / 2**20
    lines = Path("/proc/self/status").read_text().splitlines()
    found = next(line for line in lines if line.startswith(field))
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    return int(found.split()[1]) / 1024


def measured(name: str, way: str, size: Size) -> dict[str, Any]:
    """The same in a fresh process, or as kept; empty if there is no such way."""
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
