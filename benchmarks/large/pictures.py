"""Picture files that would not fit in memory decoded, through one run with an encoder."""

import argparse
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Make the files, run, and keep the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.large pictures", description=__doc__)
    parser.add_argument("--pictures", type=int, default=50_000)
    parser.parse_args(arguments)
