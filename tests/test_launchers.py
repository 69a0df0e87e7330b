"""Faults in the launchers of a sweep give one message."""

import signal
import sys
from typing import Any

import pytest

from autoal import command
from autoal.launchers import FAILURES, explained


def failing(kind: str, message: str) -> Exception:
    """An error of a class that is called so."""
    module, _, name = kind.rpartition(".")
    found = type(name, (Exception,), {"__module__": module})(message)
    assert isinstance(found, Exception)
    return found


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.kind)
def test_a_failure_is_told_in_one_line(
    failure: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**options: Any) -> Any:
        raise failing(failure.kind, f"{failure.begins} and more")

    monkeypatch.setattr("hydra.main", fail)
    assert command.main([]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: {failure.told}")
    assert told.count("\n") == 1


def test_what_a_cluster_said_is_told_too() -> None:
    said = failing("submitit.core.utils.FailedJobError", "sbatch: error:\n  no such partition")
    assert str(explained(said)) == "the cluster accepted no jobs: sbatch: error: no such partition"


@pytest.mark.parametrize(
    "error", [ValueError("of another"), failing("torch.OutOfMemoryError", "CUDA out of memory")]
)
def test_other_errors_are_defects(error: Exception) -> None:
    assert explained(error) is None


def test_a_warning_is_handed_on_once_the_run_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []

    def run(settings: Any, keep_refusals: bool) -> None:
        try:
            signal.raise_signal(signal.SIGUSR2)
        finally:
            happened.append("left")

    def requeue(number: int, frame: object) -> None:
        happened.append(signal.Signals(number).name)
        sys.exit(-1)

    monkeypatch.setattr("autoal.config.filed_settings", dict)
    monkeypatch.setattr("autoal.config.settings_of", lambda composed, filed: {})
    monkeypatch.setattr("autoal.config.demand_foreseen", lambda settings, filed: None)
    monkeypatch.setattr("autoal.run.run", run)
    monkeypatch.setattr(command, "_in_sweep", lambda: True)
    before = signal.signal(signal.SIGUSR2, requeue)
    try:
        with pytest.raises(SystemExit):
            command._Job()(None)
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert happened == ["left", "SIGUSR2"]
