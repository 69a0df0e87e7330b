"""From run folders to the files of a report."""

from collections.abc import Sequence
from pathlib import Path

from autoal.costs.units import LABELS
from autoal.record.whole import write_whole
from autoal.report.contents import curve_table, sections
from autoal.report.groups import group
from autoal.report.metric import ACCURACY
from autoal.report.page import page
from autoal.report.runs import read_runs

TITLE = "Active-learning runs compared"


def write_report(
    tops: Sequence[Path],
    out: Path,
    metric: str = ACCURACY,
    over: str = LABELS,
    *,
    reload: int = 0,
) -> Path:
    """Compare all runs below these folders.

    Args:
        tops: the folders.
        out: where to write.
        metric: by which runs are compared.
        over: what was spent, over which they are: labels, money or seconds.
        reload: seconds after which a browser loads the page anew; 0: it never does.

    Returns:
        The page; it has tables/ beside it.
    """
    runs, unreadable = read_runs(tops, metric, over)
    settings, faults = group(runs)
    found = sections(settings, [*unreadable, *faults])
    tables = [table for section in found for table in section.tables]
    files = {out / "report.html": page(TITLE, found, reload)}
    for table in [*tables, curve_table(settings)]:
        files[out / "tables" / f"{table.name}.csv"] = table.csv()
        files[out / "tables" / f"{table.name}.md"] = table.markdown()
    for path, content in files.items():
        write_whole(path, content.encode("utf-8", "replace"))
    return out / "report.html"
