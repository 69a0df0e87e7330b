"""From run folders to the files of a report."""

from collections.abc import Sequence
from pathlib import Path

from autoal.errors import UserError
from autoal.report.contents import cost_table, curve_table, sections
from autoal.report.groups import group
from autoal.report.metric import ACCURACY
from autoal.report.page import page
from autoal.report.runs import read_runs
from autoal.report.tables import Table

TITLE = "Active-learning runs compared"


def write_report(tops: Sequence[Path], out: Path, metric: str = ACCURACY) -> Path:
    """Compare all runs below these folders by this metric.

    Returns:
        The page; it has tables/ beside it.
    """
    runs, unreadable = read_runs(tops, metric)
    settings, faults = group(runs)
    found = sections(settings, [*unreadable, *faults])
    tables = [part for section in found for part in section.parts if isinstance(part, Table)]
    files = {out / "report.html": page(TITLE, found)}
    beyond = [curve_table(settings), *([costs] if (costs := cost_table(settings)).rows else [])]
    for table in [*tables, *beyond]:
        files[out / "tables" / f"{table.name}.csv"] = table.csv()
        files[out / "tables" / f"{table.name}.md"] = table.markdown()
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8", "replace")
    except OSError as error:
        raise UserError(f"cannot write {error.filename}: {error.strerror}") from error
    return out / "report.html"
