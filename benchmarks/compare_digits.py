"""The main strategies on the digits, ten seeds each, and a report on them.

    python -m benchmarks.compare_digits                    # runs what is missing, reports, keeps
    python -m benchmarks.compare_digits hydra.launcher.n_jobs=2    # options go to train.py

Keeps the report's tables in benchmarks/results/compare_digits/.
"""

import subprocess
import sys
from pathlib import Path

from autoal.report.write import write_report
from benchmarks.report import RESULTS, heading

OUT = Path("runs/compare_digits")
KEPT = RESULTS / "compare_digits"
# Too long for the repository: every point of every curve, and all pairs.
LEFT_OUT = ("curves", "pairs")


def main() -> None:
    """Run what is missing, write the report, and keep its tables."""
    command = ["train.py", "-m", "experiment=compare", f"out={OUT}", *sys.argv[1:]]
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    page = write_report([OUT], OUT / "report")
    KEPT.mkdir(parents=True, exist_ok=True)
    for table in sorted((page.parent / "tables").glob("*.md")):
        if table.stem not in LEFT_OUT:
            text = f"{heading()}\n\n{table.read_text()}"
            (KEPT / table.name).write_text(text)
            print(text)


if __name__ == "__main__":
    main()
