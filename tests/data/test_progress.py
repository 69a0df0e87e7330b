import io
import sys

import pytest

from autoal.data.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_than_on_a_terminal_there_are_a_few_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("autoal.data.progress.SLOW", 0)
    with progress("Patches", 1000) as advance:
        for _ in range(100):
            advance(10)
    lines = capsys.readouterr().err.splitlines()
    done = ("250", "500", "750")
    assert len(lines) == len(done)
    for line, rows in zip(lines, done, strict=True):
        assert line.startswith(f"Patches has looked at {rows} of 1,000 rows in ")


def test_what_is_quick_is_done_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Patches", 8) as advance:
        for _ in range(8):
            advance(1)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress("Patches", 8) as advance:
        advance(4)
    assert "Patches" in terminal.getvalue()
    assert "50%" in terminal.getvalue()
