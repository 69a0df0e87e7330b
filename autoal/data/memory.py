"""Whether rows are held in memory, or read when they are needed."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from sys import maxsize

MEMORY = ("auto", "ram", "disk")
SHARE = 4  # auto: rows are held that take up to one part in so many of the free memory
FREE = "MemAvailable:"  # in KiB
GROUPS = Path("/sys/fs/cgroup")  # where Linux has its control groups


def on_disk(memory: str, size: int) -> bool:
    """Whether rows stay on the disk.

    Args:
        memory: auto, ram or disk.
        size: bytes that all rows take where they are held.
    """
    return memory == "disk" or (memory == "auto" and size > free_memory() // SHARE)


def free_memory() -> int:
    """Bytes that this process can have before the machine swaps, or its group is at its limit."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = next(int(line.split()[1]) for line in lines if line.startswith(FREE)) * 1024
    return min([free, *_left_to_groups()])


def _left_to_groups() -> Iterator[int]:
    """What is left of the limit of each control group, of version 2, that this process is in."""
    with suppress(OSError):  # there are none
        groups = Path("/proc/self/cgroup").read_text().splitlines()
        for own in [line.removeprefix("0::").strip("/") for line in groups if line[:3] == "0::"]:
            for group in (GROUPS / own, *(GROUPS / own).parents):
                if (group / "memory.max").exists():
                    limit = (group / "memory.max").read_text().strip()
                    used = int((group / "memory.current").read_text()) - _cached(group)
                    yield int(limit) - used if limit != "max" else maxsize


def _cached(group: Path) -> int:
    """Bytes of files that the system keeps in memory as long as nobody needs it."""
    lines = (group / "memory.stat").read_text().splitlines()
    counts = dict(line.split() for line in lines)
    return sum(int(counts.get(f"{kind}_file", 0)) for kind in ("active", "inactive"))
