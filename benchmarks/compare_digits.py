"""The main strategies on the digits, ten seeds each, and a report on them.

    python -m benchmarks.compare_digits                    # runs what is missing, reports, keeps
    python -m benchmarks.compare_digits hydra.launcher.n_jobs=2    # options go to train.py

Keeps the report's tables in benchmarks/results/compare_digits/, and a picture of its page where
there is a Chromium (AUTOAL_CHROMIUM names one that is not on the path).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from autoal.report.write import write_report
from benchmarks.report import RESULTS, heading

OUT = Path("runs/compare_digits")
KEPT = RESULTS / "compare_digits"
# Too long for the repository: every point of every curve, and all pairs.
LEFT_OUT = ("curves", "pairs")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SIZE = (1000, 1400)  # size of the picture


def main() -> None:
    """Run what is missing, write the report, and keep its tables and a picture of it."""
    command = ["train.py", "-m", "experiment=compare", f"out={OUT}", *sys.argv[1:]]
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    page = write_report([OUT], OUT / "report")
    KEPT.mkdir(parents=True, exist_ok=True)
    for table in sorted((page.parent / "tables").glob("*.md")):
        if table.stem not in LEFT_OUT:
            text = f"{heading()}\n\n{table.read_text()}"
            (KEPT / table.name).write_text(text)
            print(text)
    named = os.environ.get("AUTOAL_CHROMIUM")
    browser = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser:
        take_picture(browser, page, KEPT / "report.png")


def take_picture(browser: str, page: Path, picture: Path) -> None:
    """The top of a page, as a browser shows it."""
    width, height = SIZE
    with TemporaryDirectory() as profile:
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        subprocess.run(
            [
                *(browser, *options, f"--user-data-dir={profile}"),
                *(f"--window-size={width},{height}", f"--screenshot={picture.resolve()}"),
                page.resolve().as_uri(),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
    print(picture)


if __name__ == "__main__":
    main()
