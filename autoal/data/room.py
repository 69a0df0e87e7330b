"""What there is no room for in memory, which is refused before it is made."""

from autoal.data.memory import free_memory
from autoal.errors import UserError

SMALL = 1 << 28  # bytes, for which there is room anywhere
GIB = 1 << 30


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
