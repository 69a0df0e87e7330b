"""Compare runs: learning curves, areas, paired tests, ranks and all else in one page.

python -m autoal.report runs/                  # writes runs/report/report.html and its tables
python -m autoal.report runs/ --open           # and shows it in the browser
python -m autoal.report a/ b/ --out compared   # runs of several folders
python -m autoal.report runs/ --metric nll     # by another metric than accuracy
"""

import argparse
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from autoal.errors import UserError
from autoal.report.metric import ACCURACY
from autoal.report.write import write_report


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report; returns the exit code."""
    parser = argparse.ArgumentParser(
        "python -m autoal.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folders", nargs="*", type=Path, default=[Path("runs")], help="of runs; default: runs"
    )
    parser.add_argument(
        "--out", type=Path, help="folder to write to; default: report in the first folder"
    )
    parser.add_argument(
        "--metric",
        default=ACCURACY,
        help="to compare by, of those in the records, such as balanced_accuracy, macro_f1, nll or "
        "ece; default: accuracy",
    )
    parser.add_argument("--open", action="store_true", help="show the page in the browser")
    given = parser.parse_args(argv)
    try:
        page = write_report(given.folders, given.out or given.folders[0] / "report", given.metric)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(page)
    if given.open and not webbrowser.open(page.resolve().as_uri()):
        print("no browser was found; open the page by hand", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
