"""Three tables of R's package mlbench as CSV files, for the sets of the bench.

    apt-get download r-cran-mlbench && dpkg-deb -x r-cran-mlbench_*.deb FOLDER
    pip install rdata
    AUTOAL_BENCH=... python -m benchmarks.quality.mlbench FOLDER

DNA and the satellite's pixels are cut where their first publication was, in Statlog, the letters
where theirs was.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

from benchmarks.quality.sets import bench_folder


class Part(NamedTuple):
    """A table of the package, and its use."""

    name: str  # name in the package
    label: str  # the column of the classes
    train: int  # number of training rows, which are the first


TABLES = {
    "dna": Part("DNA", "Class", 2_000),
    "satellite": Part("Satellite", "classes", 4_435),
    "letters": Part("LetterRecognition", "lettr", 16_000),
}


def write(folder: Path, name: str, out: Path) -> None:
    """Write a table's training and test rows, with the label last."""
    import rdata

    part = TABLES[name]
    rows = rdata.read_rda(folder / f"{part.name}.rda")[part.name]
    rows[part.label] = rows.pop(part.label)
    rows[: part.train].to_csv(out / f"{name}_train.csv", index=False)
    rows[part.train :].to_csv(out / f"{name}_test.csv", index=False)


def main() -> None:
    """Write all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="into which the package was unpacked")
    folder, out = parser.parse_args().folder / "usr/lib/R/site-library/mlbench/data", bench_folder()
    out.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        write(folder, name, out)


if __name__ == "__main__":
    main()
