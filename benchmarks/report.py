"""Keep a benchmark's output together with the machine and versions that produced it."""

import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy import stats

from autoal.record.versions import versions

RESULTS = Path(__file__).parent / "results"


def keep(name: str, text: str) -> None:
    """Print the text, and write it to results/<name>.md, with its environment."""
    print(write(name, text))


def write(name: str, text: str) -> str:
    """The text with its environment, as it stands in results/<name>.md."""
    page = f"{heading()}\n\n{text}\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(page)
    return page


def heading(*packages: str) -> str:
    """The running command, the date, the machine, and versions, also of these packages."""
    module = sys.modules["__main__"].__spec__
    assert module is not None  # it is run by `python -m`
    command = shlex.join(["python", "-m", module.name.removesuffix(".__main__"), *sys.argv[1:]])
    found = {**versions(), **{name: version(name) for name in packages}, "processor": _processor()}
    about = ", ".join(f"{key} {value}" for key, value in found.items() if value is not None)
    return f"`{command}`, {datetime.now(UTC):%Y-%m-%d}\n\n{about}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def interval(differences: np.ndarray, digits: int = 4) -> str:
    """The mean with its 95 % interval, by Student's t."""
    if not differences.any():
        return ""
    half = stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
    return f"{differences.mean():+.{digits}f} ± {half:.{digits}f}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"
