"""What goes wrong in the launchers of a sweep, in words; none of them is imported."""

from __future__ import annotations

from typing import NamedTuple

from autoal.errors import UserError

REST = "what was finished is safe, and the same command does the rest"
LOST = f"a process of the sweep was killed, perhaps because memory ran out; {REST}"
LOGS = "<out>/.sweep/.submitit has a log of every job"
REFUSED = "submitit.core.utils.FailedJobError"
NO_STORE = "+hydra.launcher.ray.init.object_store_memory=null"


class Failure(NamedTuple):
    """A failure, by its class, as it is called in full, and the beginning of its message."""

    kind: str
    begins: str
    told: str


FAILURES = (
    Failure(
        "joblib.externals.loky.process_executor.TerminatedWorkerError",
        "",
        f"{LOST}: hydra.launcher.n_jobs= says how many run at once",
    ),
    Failure(
        "builtins.ValueError",
        "n_jobs == 0",
        "hydra.launcher.n_jobs=0: must be a number of processes, or -1 for one a core",
    ),
    Failure(
        "submitit.core.utils.UncompletedJobError",
        "",
        f"a job of the cluster ended too early; {REST}; {LOGS}",
    ),
    Failure(REFUSED, "", "the cluster took no jobs"),
    Failure(
        "builtins.RuntimeError",
        'Could not detect "srun"',
        "hydra/launcher=submitit_slurm needs SLURM's sbatch and srun, which are not here; "
        "hydra/launcher=submitit_local runs the same jobs on this machine",
    ),
    Failure(
        "builtins.ConnectionError",
        "Could not find any running Ray",
        "no Ray cluster runs on this machine: `ray start --head` starts one; without "
        "hydra.launcher.ray.init.address= the command starts its own",
    ),
    Failure(
        "builtins.ValueError",
        "When connecting to an existing cluster",
        f"the memory of a cluster that runs is what it was started with: add {NO_STORE}",
    ),
    *(
        Failure(f"ray.exceptions.{name}", "", LOST)
        for name in ("WorkerCrashedError", "NodeDiedError", "OutOfMemoryError")
    ),
)


def explained(error: Exception) -> UserError | None:
    """What to tell the user; None of what is no launcher's failure."""
    kind, message = f"{type(error).__module__}.{type(error).__name__}", str(error)
    for failure in FAILURES:
        if failure.kind == kind and message.startswith(failure.begins):
            reason = f": {' '.join(message.split())}" if kind == REFUSED else ""
            return UserError(failure.told + reason)
    return None
