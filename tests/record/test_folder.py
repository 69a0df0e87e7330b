import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from autoal import Round
from autoal.errors import UserError
from autoal.record.folder import RunFolder

Config = dict[str, Any]
VERSIONS = {"torch": "2"}


def keep(path: Path, config: Config, history: list[Round], **state: Any) -> str:
    """Leave a folder with these rounds; returns the identity of the run."""
    with RunFolder(path, config, VERSIONS) as folder:
        for done in history:
            folder.add(done, state)
        return folder.id


def files(path: Path) -> set[str]:
    """All that lies in a folder, but for the lock."""
    found = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}
    return found - {".lock"}


def test_rounds_and_the_last_state_are_found_again(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    with RunFolder(tmp_path / "run", config, VERSIONS) as folder:
        for number, done in enumerate(history):
            folder.add(done, {"weight": torch.tensor([number])})
        identity = folder.id
    with RunFolder(tmp_path / "run", config, VERSIONS) as folder:
        assert folder.rounds == history
        assert folder.state()["weight"].tolist() == [1]
        assert folder.id == identity
    lines = (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    assert [json.loads(line)["strategy"] for line in lines] == ["margin", "margin"]
    assert [json.loads(line)["seed"] for line in lines] == [0, 0]


def test_the_config_keeps_the_versions_of_the_first_start(tmp_path: Path, config: Config) -> None:
    for version in ("2", "3"):
        RunFolder(tmp_path, config, {"torch": version}).__exit__(None, None, None)
    written = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert written["about"]["versions"] == {"torch": "2"}
    assert written["strategy"] == {"name": "margin"}


def test_two_runs_have_two_identities(tmp_path: Path, config: Config) -> None:
    with RunFolder(tmp_path / "a", config, {}) as one, RunFolder(tmp_path / "b", config, {}) as two:
        assert one.id != two.id


def test_another_config_is_refused_and_another_logger_is_not(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    keep(tmp_path, config, history[:1])
    elsewhere = {**config, "logger": {}, "out": "/elsewhere"}
    RunFolder(tmp_path, elsewhere, {}).__exit__(None, None, None)
    with pytest.raises(UserError, match=r"start: 2 in the folder, 3 now") as refused:
        RunFolder(tmp_path, {**config, "start": 3}, {})
    assert "seed" not in str(refused.value)


def test_a_folder_is_opened_again_with_the_settings_that_it_has(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    with RunFolder(tmp_path, config, VERSIONS) as folder:
        folder.add(history[0], {"weight": torch.tensor([3])})
        identity = folder.id
    with RunFolder.reopened(tmp_path) as again:
        assert again.config == config
        assert (again.id, again.rounds) == (identity, history[:1])
        assert again.state()["weight"].tolist() == [3]
        again.add(history[1], {})
    with RunFolder(tmp_path, config, VERSIONS) as folder:
        assert folder.rounds == history
    written = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert written["about"]["versions"] == VERSIONS


def test_a_folder_that_is_at_work_is_not_opened_again(tmp_path: Path, config: Config) -> None:
    with (
        RunFolder(tmp_path, config, {}),
        pytest.raises(UserError, match="another process is working"),
    ):
        RunFolder.reopened(tmp_path)


@pytest.mark.parametrize("name", ["none", "empty"])
def test_where_there_is_no_run_none_is_opened_again(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"there is no run in .*config\.yaml"):
        RunFolder.reopened(tmp_path / name)
    assert not (tmp_path / "none").exists()
    assert list((tmp_path / "empty").iterdir()) == []


def test_settings_from_python_are_kept_as_plain_values(tmp_path: Path) -> None:
    given = {"path": Path("a/b"), "hidden": (64, 32), "seed": np.int64(3), "rate": np.float32(0.5)}
    for _ in range(2):
        with RunFolder(tmp_path, given) as folder:
            expected = {"path": "a/b", "hidden": [64, 32], "seed": 3, "rate": 0.5}
            assert folder.config == expected
    with pytest.raises(UserError, match=r"model\.network=.*a setting must be a number, a text"):
        RunFolder(tmp_path / "other", {"model": {"network": len}})
    with pytest.raises(UserError, match="rate=nan: a setting must be"):
        RunFolder(tmp_path / "other", {"rate": float("nan")})
    with pytest.raises(UserError, match="`about` is reserved for the versions"):
        RunFolder(tmp_path / "other", {"about": 3})
    assert not (tmp_path / "other").exists()


def test_a_round_that_does_not_follow_is_refused(tmp_path: Path, history: list[Round]) -> None:
    with RunFolder(tmp_path) as folder:
        with pytest.raises(ValueError, match="round 1 cannot follow 0 rounds"):
            folder.add(history[1], {})
        folder.add(history[0], {})
        with pytest.raises(ValueError, match="round 0 cannot follow 1 rounds"):
            folder.add(history[0], {})


def test_a_folder_needs_no_settings(tmp_path: Path, history: list[Round]) -> None:
    with RunFolder(tmp_path) as folder:
        folder.add(history[0], {})
    with RunFolder.reopened(tmp_path) as folder:
        assert (folder.config, folder.rounds) == ({}, history[:1])
    assert "strategy" not in json.loads((tmp_path / "rounds.jsonl").read_text())


def test_what_is_rare_about_a_round_is_found_again(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    unusual = replace(history[0], declined=[5], cost=1.5, made=2)
    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(unusual, {})
    with RunFolder(tmp_path, config, {}) as folder:
        assert folder.rounds == [unusual]


def test_a_folder_is_held_by_one_and_given_back(tmp_path: Path, config: Config) -> None:
    with (
        RunFolder(tmp_path, config, {}),
        pytest.raises(UserError, match="another process is working"),
    ):
        RunFolder(tmp_path, config, {})
    RunFolder(tmp_path, config, {}).__exit__(None, None, None)


def test_a_refusal_gives_the_folder_back(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    keep(tmp_path, config, history[:1])
    with pytest.raises(UserError):
        RunFolder(tmp_path, {**config, "start": 3}, {})
    RunFolder(tmp_path, config, {}).__exit__(None, None, None)


@pytest.mark.parametrize("content", ["", "[1]", "start: 2", "start: [", "about: 3"])
def test_a_config_that_is_none_is_refused(tmp_path: Path, config: Config, content: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(UserError, match=r"config\.yaml is not the config of a run"):
        RunFolder(tmp_path, config, {})


def test_rounds_without_a_config_are_refused(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(history[0], {})
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(UserError, match=r"has rounds or labels but no config\.yaml"):
        RunFolder(tmp_path, config, {})


def test_states_that_a_kill_left_behind_are_removed(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(history[0], {})
        (tmp_path / "state" / "round-9999.pt").touch()
        folder.add(history[1], {})
    assert files(tmp_path / "state") == {"round-0001.pt", "round-0001.sha256"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda lines: [lines[0], lines[1][:20]], "line 2 is not round 1: it is not JSON"),
        (lambda lines: [lines[1]], "line 1 is not round 0: `round` is 1"),
        (lambda lines: [lines[0], "3"], "line 2 is not round 1: `a line` must be a mapping, got 3"),
    ],
)
def test_a_spoilt_record_is_refused_with_its_line(
    tmp_path: Path, config: Config, history: list[Round], spoil: Any, message: str
) -> None:
    with RunFolder(tmp_path, config, {}) as folder:
        for done in history:
            folder.add(done, {})
    path = tmp_path / "rounds.jsonl"
    path.write_text("\n".join(spoil(path.read_text().splitlines())))
    with pytest.raises(UserError, match=message):
        RunFolder(tmp_path, config, {})


def test_a_lost_state_is_one_message(tmp_path: Path, config: Config, history: list[Round]) -> None:
    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(history[0], {})
        folder.last_state.unlink()
        with pytest.raises(UserError, match=r"cannot read .*round-0000\.pt: No such") as refused:
            folder.state()
    assert "start over with another name=, or remove" in str(refused.value)


def test_a_folder_in_which_people_labelled_is_never_to_be_removed(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(history[0], {})
        (tmp_path / "labels.jsonl").write_bytes(b"{}\n")
        folder.last_state.unlink()
        with pytest.raises(UserError, match=r"No such") as refused:
            folder.state()
    assert "put back a copy of the file, or start over with another name=" in str(refused.value)
    assert "remove" not in str(refused.value)


def spoilt(content: bytes) -> list[bytes]:
    """A file with one byte changed at many places, cut short, emptied and written over."""
    flipped = [
        content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]
        for place in range(0, len(content), 40)
    ]
    return [*flipped, content[: len(content) // 2], content[:-1], b"", b"no state", content + b"x"]


def test_a_state_that_is_not_as_it_was_written_is_refused(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(history[0], {"learner": {"weight": torch.arange(8.0)}})
        for content in spoilt(folder.last_state.read_bytes()):
            folder.last_state.write_bytes(content)
            with pytest.raises(UserError, match=r"round-0000\.pt is damaged: its checksum"):
                folder.state()


def test_a_record_that_is_not_as_it_was_written_is_refused(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(history[0], {"weight": torch.tensor([3])})
        folder.add(history[1], {"weight": torch.tensor([4])})
    record = tmp_path / "rounds.jsonl"
    whole = record.read_text()
    for content in (whole.replace("0.", "1.", 1), whole.replace(", ", ",", 1)):
        record.write_text(content)
        with pytest.raises(UserError, match=r"rounds\.jsonl is damaged: its checksum is not that"):
            RunFolder(tmp_path, config, {})
    record.write_text(whole.removesuffix("\n"))  # as some editors leave it
    RunFolder(tmp_path, config, {}).close()


def test_a_state_without_a_checksum_is_tried_and_no_advice_of_torch_is_passed_on(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(history[0], {"weight": torch.tensor([3])})
        folder.last_state.with_suffix(".sha256").unlink()
        assert folder.state()["weight"].tolist() == [3]
        for content in (b"", b"no state at all", pickle.dumps(Path("x")), pickle.dumps([1])):
            folder.last_state.write_bytes(content)
            with pytest.raises(UserError, match=r"round-0000\.pt (is damaged|holds)") as refused:
                folder.state()
            assert "weights_only" not in str(refused.value)


@pytest.mark.parametrize("part", [lambda: 0, Path("x"), np.float64(1.0), {"inner": {1: object()}}])
def test_a_state_that_could_not_be_read_back_is_refused_with_its_owner(
    tmp_path: Path, config: Config, history: list[Round], part: Any
) -> None:
    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(history[0], {"learner": {}, "strategy": {}})
        with pytest.raises(UserError, match="the state of the strategy cannot be kept"):
            folder.add(history[1], {"learner": {}, "strategy": part})
        assert folder.rounds == history[:1]
        assert folder.state() == {"learner": {}, "strategy": {}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "high", torch.tensor(1.0)])
def test_a_round_that_could_not_be_read_back_is_refused(
    tmp_path: Path, config: Config, history: list[Round], value: Any
) -> None:
    odd = replace(history[0], metrics={"accuracy": value})
    with RunFolder(tmp_path, config, {}) as folder:
        with pytest.raises(UserError, match=r"round 0 cannot be kept: .*(accuracy|JSON)"):
            folder.add(odd, {})
        folder.add(history[0], {})
    assert files(tmp_path / "state") == {"round-0000.pt", "round-0000.sha256"}


def test_a_folder_without_a_finished_round_is_taken_over(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    identity = keep(tmp_path, config, [])
    (tmp_path / "state").mkdir()
    (tmp_path / "model").mkdir()
    old = ("error.txt", "state/tracked", "state/round-0000.pt", "state/round-0000.sha256")
    drawn = ("weights.svg", "learning_curve.svg", "learner.svg")
    for name in (*old, *drawn, "model/model.json", "model/weights.pt"):
        (tmp_path / name).touch()
    for name in ("notes.md", "state/mine.pt"):
        (tmp_path / name).write_text("somebody's own")
    corrected = {**config, "start": 3}
    with RunFolder(tmp_path, corrected, {"torch": "3"}) as folder:
        assert folder.id != identity
        assert files(tmp_path) == {"config.yaml", "notes.md", "state/mine.pt"}
    written = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert (written["start"], written["about"]["versions"]) == (3, {"torch": "3"})


@pytest.mark.parametrize("name", [".lock", ".config.yaml.part"])
def test_a_link_is_not_followed_to_the_file_of_somebody_else(
    tmp_path: Path, config: Config, name: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("somebody's own")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).symlink_to(victim)
    with suppress(UserError):  # of a lock that cannot be held nothing is written
        RunFolder(tmp_path / "run", config).close()
    assert victim.read_text() == "somebody's own"


def test_a_folder_whose_lock_cannot_be_had_is_not_taken_over(
    tmp_path: Path, config: Config, read_only: Callable[[], None]
) -> None:
    keep(tmp_path, config, [])
    read_only()
    with pytest.raises(UserError, match=r"cannot write .*\.lock: Read-only file system"):
        RunFolder(tmp_path, {**config, "start": 3})


def test_a_config_that_is_no_runs_is_never_taken_over(tmp_path: Path, config: Config) -> None:
    (tmp_path / "config.yaml").write_text("somebody: else\n")
    with pytest.raises(UserError, match=r"config\.yaml is not the config of a run: `about`"):
        RunFolder(tmp_path, config)
    assert (tmp_path / "config.yaml").read_text() == "somebody: else\n"


def test_what_a_kill_left_behind_is_removed_when_the_folder_is_opened(
    tmp_path: Path, config: Config, history: list[Round]
) -> None:
    keep(tmp_path, config, history)
    whole = files(tmp_path)
    for name in ("round-0000.pt", "round-0002.pt", "round-0002.sha256", ".round-0002.pt.part"):
        (tmp_path / "state" / name).touch()
    for name in (".rounds.jsonl.part", ".config.yaml.part", ".mine.part"):
        (tmp_path / name).touch()
    RunFolder(tmp_path, config).close()
    assert files(tmp_path) == whole | {".mine.part"}


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ({"rounds": 1}, {"rounds": 3}),
        ({"rounds": 1, "budget": [5]}, {"rounds": 3, "budget": [5, 6, 7]}),
    ],
)
def test_a_run_is_asked_for_more_rounds(
    tmp_path: Path, config: Config, history: list[Round], there: Config, here: Config
) -> None:
    identity = keep(tmp_path, {**config, **there}, history)
    assert keep(tmp_path, {**config, **here}, []) == identity
    with RunFolder.reopened(tmp_path) as folder:
        assert folder.config == {**config, **here}
        assert folder.rounds == history
    written = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert written["about"] == {"id": identity, "versions": VERSIONS}


@pytest.mark.parametrize(
    ("there", "here", "told"),
    [
        ({"rounds": 3}, {"rounds": 2}, "rounds: 3 in the folder, 2 now; a plan can only grow"),
        ({"rounds": 3}, {"rounds": 4.0}, "rounds: 3 in the folder, 4.0 now"),
        ({"budget": [5, 6]}, {"budget": [5]}, r"budget: \[5, 6\] in the folder, \[5\] now"),
        ({"budget": [5, 6]}, {"budget": [5, 7, 8]}, r"budget: \[5, 6\] in the folder"),
        ({"budget": 5}, {"budget": [5, 5]}, "budget: 5 in the folder"),
        ({"rounds": 3}, {"rounds": 4, "seed": 1}, "seed: 0 in the folder, 1 now"),
    ],
)
def test_any_other_plan_is_refused(
    tmp_path: Path,
    config: Config,
    history: list[Round],
    there: Config,
    here: Config,
    told: str,
) -> None:
    keep(tmp_path, {**config, **there}, history)
    before = (tmp_path / "config.yaml").read_bytes()
    with pytest.raises(UserError, match=told):
        RunFolder(tmp_path, {**config, **here})
    assert (tmp_path / "config.yaml").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_read(
    tmp_path: Path, config: Config, history: list[Round], read_only: Callable[[], None]
) -> None:
    keep(tmp_path, config, history, weight=1)
    read_only()
    with RunFolder(tmp_path, config) as folder:
        assert folder.rounds == history
        assert folder.state() == {"weight": 1}
        folder.renew(tmp_path / "learning_curve.svg", b"a picture")
        with pytest.raises(UserError, match=r"cannot write .*\.lock: Read-only file system; the"):
            folder.demand_writable()
    with pytest.raises(UserError, match=r"cannot write .*new: Read-only file system"):
        RunFolder(tmp_path / "new", config)


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    picture = tmp_path / "picture"
    with RunFolder(tmp_path) as folder:
        folder.renew(picture, b"one")
        first = picture.stat().st_ino
        folder.renew(picture, b"one")
        assert picture.stat().st_ino == first
        folder.renew(picture, b"two")
    assert picture.read_bytes() == b"two"


def test_what_cannot_be_written_is_named_and_leaves_the_old(
    tmp_path: Path, config: Config, history: list[Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    with RunFolder(tmp_path, config, {}) as folder:
        folder.add(history[0], {})
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(UserError, match=r"cannot write .*: No space left on device"):
            folder.add(history[1], {})
        assert folder.rounds == history[:1]
        assert folder.state() == {}
    assert files(tmp_path / "state") == {"round-0000.pt", "round-0000.sha256"}
