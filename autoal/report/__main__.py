"""Compare runs: learning curves, areas, paired tests, ranks and all else in one page.

python -m autoal.report runs/                  # writes runs/report/report.html and its tables
python -m autoal.report runs/ --open           # and shows it in the browser
python -m autoal.report a/ b/ --out compared   # runs of several folders
python -m autoal.report runs/ --metric nll     # by another metric than accuracy
python -m autoal.report runs/ --over money     # over what labels cost
python -m autoal.report runs/ --watch          # and anew whenever a run goes on
"""

import argparse
import sys
import webbrowser
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from autoal.costs.units import LABELS, UNITS
from autoal.errors import UserError, until_unread
from autoal.report.metric import ACCURACY
from autoal.report.watching import INTERVAL, follow, stamps
from autoal.report.write import write_report


@until_unread
def main(argv: Sequence[str] | None = None) -> int:
    """Write the report; return the exit code."""
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
    parser.add_argument(
        "--over",
        choices=UNITS,
        default=LABELS,
        help="what was spent, over which to compare: labels, or the money or the seconds of people "
        "that they cost; default: labels",
    )
    parser.add_argument("--open", action="store_true", help="show the page in the browser")
    parser.add_argument(
        "--watch",
        action="store_true",
        help=f"write it anew whenever a run goes on, looking every {INTERVAL} seconds; Ctrl-C ends",
    )
    given = parser.parse_args(argv)
    try:
        _report(given)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _report(given: argparse.Namespace) -> None:
    """Write the report, once or for as long as somebody watches."""
    out = given.out or given.folders[0] / "report"
    write = partial(write_report, given.folders, out, given.metric, given.over)
    if not given.watch:
        _show(write(), given.open)
        return
    try:
        seen = stamps(given.folders)
        _show(write(reload=INTERVAL), given.open)
        follow(given.folders, seen, lambda: write(reload=INTERVAL))
    except KeyboardInterrupt:
        write()  # a page that nobody watches need not reload


def _show(page: Path, in_browser: bool) -> None:
    print(page, flush=True)
    if in_browser and not webbrowser.open(page.resolve().as_uri()):
        print("no browser was found; open the page by hand", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
