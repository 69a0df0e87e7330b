"""Reports of runs that go on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autoal.report import watching
from autoal.report.__main__ import main
from tests.report.made import write_run

RELOAD = '<meta http-equiv="refresh" content="10">'


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Events while the report waits, one after the other; then Ctrl-C."""

    def happen(*things: Callable[[], object]) -> None:
        waiting = iter(things)

        def sleep(_: float) -> None:
            thing = next(waiting, None)
            if thing is None:
                raise KeyboardInterrupt
            thing()

        monkeypatch.setattr(watching, "sleep", sleep)

    return happen


def test_a_page_is_written_anew_when_a_run_goes_on(
    tmp_path: Path, meanwhile: Callable[..., None]
) -> None:
    write_run(tmp_path, "a", [0.4, 0.5])
    page = tmp_path / "report" / "report.html"
    pages: list[str] = []
    meanwhile(
        lambda: pages.append(page.read_text()),
        page.unlink,  # nothing has changed since, and it is not written
        lambda: pages.append(str(page.exists())),
        lambda: write_run(tmp_path, "b", [0.4, 0.7], strategy="margin"),
        lambda: pages.append(page.read_text()),
        lambda: shutil.rmtree(tmp_path / "b"),
        lambda: pages.append(page.read_text()),
    )
    assert main([str(tmp_path), "--watch"]) == 0
    assert pages[1] == "False"
    assert [text.count("margin .70") for text in (pages[0], pages[2], pages[3])] == [0, 1, 0]
    assert all(RELOAD in text for text in (pages[0], pages[2], pages[3]))


def test_the_last_page_is_not_loaded_anew(tmp_path: Path, meanwhile: Callable[..., None]) -> None:
    write_run(tmp_path, "a", [0.4, 0.5])
    meanwhile()
    assert main([str(tmp_path), "--watch"]) == 0
    watched = (tmp_path / "report" / "report.html").read_text()
    assert 'http-equiv="refresh"' not in watched
    assert main([str(tmp_path)]) == 0
    assert (tmp_path / "report" / "report.html").read_text() == watched


def test_a_line_that_joins_a_record_is_seen(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a", [0.4, 0.5])
    before = watching.stamps([tmp_path])
    assert set(before) == {run / "config.yaml", run / "rounds.jsonl"}
    with (run / "rounds.jsonl").open("a") as file:
        file.write("{}\n")
    assert watching.stamps([tmp_path]) != before


def test_where_there_is_no_run_nothing_is_watched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--watch"]) == 2
    assert "no run below" in capsys.readouterr().err
