"""Refuses what would not fit in memory before it is made."""

from autoal.data.memory import free_memory
from autoal.errors import UserError

SMALL = 1 << 28  # bytes that fit anywhere
GIB = 1 << 30


def demand_room(what: str, rows: int, size: int) -> None:
    """Refuse to make what would take more memory than is free.

    Args:
        what: the thing to make.
        rows: its number of rows.
        size: bytes for each row.
    """
    needed = rows * size
    if needed > SMALL and needed > (free := free_memory()):
        raise UserError(
            f"{what} of {rows:,} rows take {needed / GIB:.1f} GiB, and {free / GIB:.1f} GiB of "
            "memory are free: look=100000 looks at that many drawn rows of the pool in each round"
        )
