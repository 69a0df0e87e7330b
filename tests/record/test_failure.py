from pathlib import Path
from typing import Any

import pytest

from autoal.errors import UserError, Waiting
from autoal.record.failure import forget_failure, keep_failure, read_failure
from autoal.record.folder import RunFolder
from autoal.record.layout import FAILURE
from autoal.record.round import Round


def test_a_message_is_kept_as_one_line_for_readers(tmp_path: Path) -> None:
    keep_failure(tmp_path / "new", UserError("no room\n  give more"))
    assert (tmp_path / "new" / FAILURE).read_text() == "no room\n  give more\n"
    assert read_failure(tmp_path / "new") == "no room give more"


def test_a_defect_is_kept_with_its_traceback_and_told_without(tmp_path: Path) -> None:
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError as error:
        keep_failure(tmp_path, error)
    assert "1 / 0" in (tmp_path / FAILURE).read_text()
    assert read_failure(tmp_path) == "ZeroDivisionError: division by zero"


def test_what_is_forgotten_or_never_was_is_empty(tmp_path: Path) -> None:
    keep_failure(tmp_path, UserError("no room"))
    forget_failure(tmp_path)
    forget_failure(tmp_path)
    assert read_failure(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_hides_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keep_failure(tmp_path / "file" / "run", UserError("no room"))
    assert read_failure(tmp_path / "file" / "run") == ""


def test_a_run_leaves_its_error_until_it_goes_on(
    tmp_path: Path, config: dict[str, Any], history: list[Round]
) -> None:
    with pytest.raises(UserError), RunFolder(tmp_path, config, {}):
        raise UserError("diverged")
    assert read_failure(tmp_path) == "diverged"
    RunFolder.reopened(tmp_path).close()  # who only looks does not go on
    with RunFolder(tmp_path, config, {}) as folder:
        assert read_failure(tmp_path) == "diverged"
        folder.add(history[0], {})
        assert read_failure(tmp_path) == ""
        keep_failure(tmp_path, UserError("another process is working"))
    assert read_failure(tmp_path) == ""


def test_a_run_that_is_stopped_has_not_failed(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(KeyboardInterrupt), RunFolder(tmp_path, config, {}):
        raise KeyboardInterrupt
    assert read_failure(tmp_path) == ""


def test_a_run_that_waits_for_answers_has_not_failed(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    message = "three rows are to be labelled in answers.csv"
    with pytest.raises(UserError, match=message) as waits, RunFolder(tmp_path, config, {}):
        raise Waiting(message)
    assert waits.value.code == 75
    assert not (tmp_path / FAILURE).exists()
    with RunFolder(tmp_path, config, {}) as folder:  # and it has given the folder back
        assert folder.rounds == []


def test_a_run_that_waits_forgets_the_error_before(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(UserError), RunFolder(tmp_path, config, {}):
        raise UserError("diverged")
    with pytest.raises(Waiting), RunFolder(tmp_path, config, {}):
        raise Waiting("answers are awaited")
    assert read_failure(tmp_path) == ""


def test_a_refusal_that_came_beside_a_run_is_forgotten_at_its_end(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    with RunFolder(tmp_path, config, {}):
        keep_failure(tmp_path, UserError("another process is working"))
    assert read_failure(tmp_path) == ""
