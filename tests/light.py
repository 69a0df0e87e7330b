"""Runs train.py in forks of one process that has imported Hydra and not torch.

Reads one JSON request a line: the arguments, and files for the output. Answers with the exit code.
The last line of the output tells whether torch was needed.
"""

import io
import json
import os
import runpy
import sys
from contextlib import redirect_stdout

from autoal import command


def run(arguments: list[str], out: str, err: str) -> int:
    """Run the program to its end in a fork; returns its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 0
    for path, stream in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    try:
        sys.argv = ["train.py", *arguments]
        runpy.run_path("train.py", run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    heavy = sys.modules.keys() & {"torch", "pytorch_lightning"}
    print("torch" if heavy else "no torch", flush=True)
    os._exit(code)


def warm() -> None:
    """Compose settings once, which teaches Hydra its grammar and its plugins for all forks."""
    with redirect_stdout(io.StringIO()):
        command.main(["seed=0", "--cfg", "job"])


if __name__ == "__main__":
    warm()
    for line in sys.stdin:
        print(run(*json.loads(line)), flush=True)
