"""How much memory there is, and what there is no room for."""

import os
from pathlib import Path

from autoal.errors import UserError

FREE = "MemAvailable:"  # in KiB
SMALL = 1 << 28  # bytes, for which there is room anywhere
GIB = 1 << 30
MEMORY = Path("/proc/meminfo")


def free_memory() -> int:
    """Bytes that programs can have before the machine swaps; all of it, where nobody tells."""
    if not MEMORY.exists():
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    lines = MEMORY.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(FREE)) * 1024


def demand_room(what: str, rows: int, size: int) -> None:
    """Refuse what would take more memory than is free.

    Args:
        what: is to be made.
        rows: of which it is.
        size: bytes that it takes for each.
    """
    needed = rows * size
    if needed > SMALL and needed > (free := free_memory()):
        raise UserError(
            f"{what} of {rows:,} rows take {needed / GIB:.1f} GiB, and {free / GIB:.1f} GiB of "
            "memory are free: look=100000 looks at a draw of so many rows of the pool in each round"
        )
