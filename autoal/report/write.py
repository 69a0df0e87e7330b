"""From run folders to the files of a report."""

from collections.abc import Sequence
from pathlib import Path

from autoal.record.whole import write_whole
from autoal.report.contents import cost_table, curve_table, sections
from autoal.report.groups import group
from autoal.report.metric import ACCURACY
from autoal.report.page import page
from autoal.report.runs import read_runs

TITLE = "Active-learning runs compared"


def write_report(tops: Sequence[Path], out: Path, metric: str = ACCURACY, reload: int = 0) -> Path:
    """Compare all runs below these folders.

    Args:
        tops: the folders.
        out: where to write.
        metric: by which runs are compared.
        reload: seconds after which a browser loads the page anew; 0: it never does.

    Returns:
        The page; it has tables/ beside it.
    """
    runs, unreadable = read_runs(tops, metric)
    settings, faults = group(runs)
    found = sections(settings, [*unreadable, *faults])
    tables = [table for section in found for table in section.tables]
    files = {out / "report.html": page(TITLE, found, reload)}
    beyond = [curve_table(settings), *([costs] if (costs := cost_table(settings)).rows else [])]
    for table in [*tables, *beyond]:
        files[out / "tables" / f"{table.name}.csv"] = table.csv()
        files[out / "tables" / f"{table.name}.md"] = table.markdown()
    for path, content in files.items():
        write_whole(path, content.encode("utf-8", "replace"))
    return out / "report.html"
