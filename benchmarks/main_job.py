"""How long a newcomer waits for `python train.py`, and for the answer to a mistake.

    python -m benchmarks.main_job

Runs the commands as a user would, in fresh processes, with the runs in a temporary folder.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import keep, table

ROOT = Path(__file__).resolve().parent.parent


def timed(*arguments: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Seconds that `python train.py` takes, and its output."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "train.py", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    return time.perf_counter() - start, done


def main() -> None:
    """Time the main job, the help and three mistakes."""
    with tempfile.TemporaryDirectory() as folder:
        job_seconds, job = timed(f"out={folder}")
    if job.returncode:
        raise SystemExit(job.stderr)
    rows = [["python train.py", f"{job_seconds:.1f}", "0"]]
    for arguments in ("--help", "bugdet=5", "task.learning_rate=fast", "strategy.k=5"):
        seconds, done = timed(arguments)
        rows.append([f"python train.py {arguments}", f"{seconds:.1f}", str(done.returncode)])
    shown = "\n".join(line for line in job.stdout.splitlines() if folder not in line)
    text = table(["command", "seconds", "exit code"], rows)
    keep("main_job", f"{text}\n\n```\n{shown}\n```")


if __name__ == "__main__":
    main()
