"""Messages for failures of a sweep's launchers, none of which is imported."""

from __future__ import annotations

from typing import NamedTuple

from autoal.errors import UserError

REST = "finished rounds are safe, and the same command does the rest"
LOST = f"a process of the sweep was killed, perhaps because memory ran out; {REST}"
LOGS = "<out>/.sweep/.submitit has a log of every job"
REFUSED = "submitit.core.utils.FailedJobError"
NO_STORE = "+hydra.launcher.ray.init.object_store_memory=null"


class Failure(NamedTuple):
    """A failure, identified by its class's full name and the beginning of its message."""

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
        "hydra.launcher.n_jobs=0: must be a number of processes, or -1 for one per core",
    ),
    Failure(
        "submitit.core.utils.UncompletedJobError",
        "",
        f"a job of the cluster ended too early; {REST}; {LOGS}",
    ),
    Failure(REFUSED, "", "the cluster accepted no jobs"),
    Failure(
        "builtins.RuntimeError",
        'Could not detect "srun"',
        "hydra/launcher=submitit_slurm needs SLURM's sbatch and srun, which are missing here; "
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
        f"the memory of a running cluster cannot be changed: add {NO_STORE}",
    ),
    *(
        Failure(f"ray.exceptions.{name}", "", LOST)
        for name in ("WorkerCrashedError", "NodeDiedError", "OutOfMemoryError")
    ),
)


def explained(error: Exception) -> UserError | None:
    """The message for the user; None if it is not a launcher's failure."""
    kind, message = f"{type(error).__module__}.{type(error).__name__}", str(error)
    for failure in FAILURES:
        if failure.kind == kind and message.startswith(failure.begins):
            reason = f": {' '.join(message.split())}" if kind == REFUSED else ""
            return UserError(failure.told + reason)
    return None
