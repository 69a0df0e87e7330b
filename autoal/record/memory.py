"""The peak memory of a run; it stands beside the rounds, as it is never the same twice."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from autoal.errors import UserError
from autoal.record.kinds import AMOUNTS, once
from autoal.record.layout import MEMORY

if TYPE_CHECKING:
    from autoal.record.folder import RunFolder

MIB = 2**20
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in the unit of the system's figure

Peaks = dict[str, float]  # MiB, of the process (`main`) and of its GPU (`gpu`)


def keep_peaks(folder: RunFolder) -> None:
    """Write down the peaks so far, of this process and of those that did earlier rounds."""
    before = read_peaks(folder.path)
    highest = {name: max(peak, before.get(name, 0.0)) for name, peak in peaks().items()}
    folder.renew(folder.path / MEMORY, f"{json.dumps({**before, **highest})}\n".encode())


def peaks() -> Peaks:
    """The peaks of this process since it began."""
    found = {"main": _resident() / MIB}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        found["gpu"] = torch.cuda.max_memory_allocated() / MIB
    return {name: round(peak, 1) for name, peak in found.items()}


def _resident() -> int:
    """The most bytes that this process had in memory.

    What the system counts for `getrusage` begins, on Linux, with the size of the process that
    started this one.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def read_peaks(folder: Path) -> Peaks:
    """The peaks in a run's folder; empty in older folders, or if the file is damaged."""
    try:
        found = json.loads((folder / MEMORY).read_bytes(), object_pairs_hook=once)
        AMOUNTS.demand(MEMORY, found)
    except (FileNotFoundError, ValueError, RecursionError, UserError):
        return {}
    return dict(found)
