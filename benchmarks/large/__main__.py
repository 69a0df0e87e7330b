"""Peak memory and seconds for large data.

    python -m benchmarks.large pictures [--pictures 50000] [--folder FOLDER]
    python -m benchmarks.large pool [--rows 10000000] [--only NAME ...] [--look N] [--folder FOLDER]

Each part is a module of this package with a `main`, and has options of its own: `PART --help`.
"""

import sys
from importlib import import_module

PARTS = ("pictures", "pool")


def main() -> None:
    """Pass the options after a part's name to that part."""
    if len(sys.argv) < 2 or sys.argv[1] not in PARTS:
        sys.exit(f"usage: python -m benchmarks.large {{{','.join(PARTS)}}} ...")
    import_module(f"benchmarks.large.{sys.argv[1]}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
