"""The peak memory of a run; it stands beside the rounds, as it is never the same twice."""

from __future__ import annotations

import json
import resource
import sys
from typing import TYPE_CHECKING

from autoal.errors import UserError
from autoal.record.kinds import AMOUNTS, once
from autoal.record.layout import MEMORY

if TYPE_CHECKING:
    from pathlib import Path

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
    found = {"main": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / MIB}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        found["gpu"] = torch.cuda.max_memory_allocated() / MIB
    return {name: round(peak, 1) for name, peak in found.items()}


def read_peaks(folder: Path) -> Peaks:
    """The peaks in a run's folder; empty in older folders."""
    path = folder / MEMORY
    try:
        content = path.read_text()
    except FileNotFoundError:
        return {}
    try:
        found = json.loads(content, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {error}; remove it") from error
    AMOUNTS.demand(str(path), found)
    return dict(found)
