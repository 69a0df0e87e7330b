import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import wandb
from autoal.strategies.uncertainty import Margin
from PIL import Image
from torch import Tensor

from autoal import Experiment, ImageData, Loaded, Plan, Question, Round, Rows, Trained, View
from autoal.data.texts import Text
from autoal.errors import UserError
from autoal.model.fitstep import FitStep
from autoal.query.batch import Query
from autoal.record import connection, queried
from autoal.record.folder import RunFolder
from autoal.record.sink import Sinks
from autoal.record.tracking import Tracking
from tests import wandb_file

pytestmark = pytest.mark.usefixtures("nobody")


class Grey(ImageData):
    classes = ("dark", "light")
    keeps_order = True

    def load(self) -> Loaded:
        images = torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1).expand(6, 1, 8, 8)
        rows = Rows(images, torch.arange(6) % 2, shown=images)
        return Loaded(rows, rows)


@pytest.fixture
def experiment(make_learner: Callable[..., Trained]) -> Experiment:
    """Whose rounds are told; nothing in it is done."""
    return Experiment(Grey(), make_learner(), Margin(), Plan(start=2, budget=2, rounds=1))


@pytest.fixture
def folder(tmp_path: Path, config: dict[str, Any]) -> Iterator[RunFolder]:
    with RunFolder(tmp_path / "run", config, {}) as folder:
        yield folder


def fit(sink: Tracking, first: int, steps: int) -> None:
    for step in range(first, first + steps):
        sink.step(FitStep(step, steps, epoch=1, loss=1 / step, learning_rate=0.1))


def test_one_run_holds_all_rounds_over_one_growing_step(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    heard: list[str] = []
    sink = Tracking(folder, experiment, heard.append, group="g", tags=["t"], mode="offline")
    for done, bought in zip(history, (2, 0), strict=True):
        sink.begin(done.number)
        fit(sink, 1, done.steps)
        stop = {} if bought else {"rule": "kappa", "value": 0.5}
        notes = {"learner": {"l2": 0.5}}
        wrong = None if bought else 1
        sink.end(replace(done, bought=bought, wrong=wrong, stop=stop, notes=notes))
    sink.close()
    assert heard == []
    (part,) = map(wandb_file.whole, folder.path.glob("wandb/offline-run-*"))
    assert part.name.endswith(folder.id)
    rows = wandb_file.history(part)
    steps = [(row["fit/round"], row["fit/step"]) for row in rows if "fit/step" in row]
    assert steps == [(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (1, 6)]
    rounds = [row for row in rows if "al/accuracy" in row]
    assert [row["n_labelled"] for row in rounds] == [2, 4]
    assert [row["al/bought"] for row in rounds] == [2, 0]
    assert [row["query/learner/l2"] for row in rounds] == [0.5, 0.5]
    assert [row.get("al/wrong") for row in rounds] == [None, 1]
    assert [row.get("stop/value") for row in rounds] == [None, 0.5]
    assert wandb_file.step_metrics(part)["stop/*"] == "n_labelled"
    assert [row["query/classes/values"] for row in rounds] == [[1, 1], [1, 1]]
    (run,) = [record.run for record in wandb_file.records(part) if record.HasField("run")]
    assert (run.run_id, run.run_group, list(run.tags)) == (folder.id, "g", ["t"])
    assert run.job_type == "margin"


def test_a_set_with_nothing_to_look_at_is_told_without_it(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    sink = Tracking(folder, experiment, lambda line: None, mode="offline")
    assert "media/queried" in sink._row(history[0])
    pictures = experiment.rows
    for shown in (None, [{"age": number} for number in range(6)]):
        experiment._known = replace(experiment._known, rows=replace(pictures, shown=shown))
        row = sink._row(history[0])
        assert "media/queried" not in row
        assert row["n_labelled"] == history[0].labelled
    sink.close()


@pytest.mark.parametrize(
    ("texts", "columns", "first"),
    [
        (["one \x07", "two"], ["text", "label"], [r"one \x07", "dark"]),
        (
            [Text.of(["q", "label"], ["Who?", "I."])] * 2,
            ["q", "label (data)", "label"],
            ["Who?", "I.", "dark"],
        ),
        (["x" * 9000, ""], ["text", "label"], ["x" * queried.LETTERS, "dark"]),
    ],
    ids=["one", "pair", "long"],
)
def test_texts_are_told_as_a_table_with_their_labels(
    folder: RunFolder,
    experiment: Experiment,
    history: list[Round],
    texts: list[str],
    columns: list[str],
    first: list[str],
) -> None:
    rows = replace(experiment.rows, shown=texts * 3)
    experiment._known = replace(experiment._known, rows=rows)
    sink = Tracking(folder, experiment, lambda line: None, mode="disabled")
    table = sink._row(history[0])["media/queried"]
    assert (table.columns, table.data[0], len(table.data)) == (columns, first, 2)
    empty = replace(history[0], queried=[], labels=[])
    assert "media/queried" not in sink._row(empty)


def test_the_grid_shows_the_queried_images(experiment: Experiment) -> None:
    assert isinstance(experiment.rows.shown, Tensor)
    grid = queried._grid(experiment.rows.shown[torch.tensor([5, 2])])
    assert grid.shape == (32 + 4, 2 * (32 + 2) + 2, 3)
    assert (grid[2:34, 2:34] == 5).all()
    assert (grid[2:34, 36:68] == 2).all()


def test_a_failure_in_mid_run_is_told_once_and_stops_nothing(
    folder: RunFolder, experiment: Experiment, history: list[Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    sink = Tracking(folder, experiment, heard.append, mode="offline")
    run = sink.run

    def broken(values: dict[str, Any]) -> None:
        raise RuntimeError("the service is gone")

    monkeypatch.setattr(run, "log", broken)
    fit(sink, 1, 3)
    sink.end(history[0])
    sink.close()
    run.finish()
    assert len(heard) == 1
    assert "the service is gone" in heard[0]


def test_a_failure_at_the_start_is_told_once_and_stops_nothing(
    folder: RunFolder, experiment: Experiment, history: list[Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: Any) -> None:
        raise wandb.errors.CommError("no answer")

    monkeypatch.setattr(wandb, "init", refuse)
    heard: list[str] = []
    sink = Tracking(folder, experiment, heard.append, mode="offline")
    sink.begin(0)
    fit(sink, 1, 3)
    sink.end(history[0])
    sink.close()
    assert len(heard) == 1
    assert "no answer" in heard[0]


def test_an_unknown_mode_is_refused(folder: RunFolder, experiment: Experiment) -> None:
    with pytest.raises(ValueError, match=r"`mode` must be .* got 'on'"):
        Tracking(folder, experiment, print, mode="on")


def test_an_online_start_that_fails_is_offline(
    folder: RunFolder, experiment: Experiment, history: list[Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = wandb.init

    def refuse(mode: str, **options: Any) -> Any:
        if mode == "online":
            raise wandb.errors.CommError("no answer")
        return start(mode=mode, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(connection, "mode_of", lambda wished: ("online", ""))
    monkeypatch.setattr(wandb, "init", refuse)
    heard: list[str] = []
    sink = Tracking(folder, experiment, heard.append)
    sink.end(history[0])
    sink.close()
    assert len(heard) == 1
    assert "W&B is offline, no answer" in heard[0]
    (part,) = map(wandb_file.whole, folder.path.glob("wandb/offline-run-*"))
    assert [row["al/round"] for row in wandb_file.history(part)] == [0]


def test_rounds_that_a_killed_process_took_along_are_told_again(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    first = Tracking(folder, experiment, print, mode="offline")
    for done in history:
        folder.add(done, {})
    first.end(history[0])
    first.close()  # round 1 was never told
    second = Tracking(folder, experiment, print, mode="offline")
    second.close()
    parts = sorted(folder.path.glob("wandb/offline-run-*"), key=lambda part: part.stat().st_mtime)
    told = [wandb_file.history(wandb_file.whole(part)) for part in parts]
    rounds = [[row["al/round"] for row in each] for each in told]
    assert sorted(rounds) == [[0], [1]]


def test_rows_that_were_made_are_shown_as_the_others_are(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    light = torch.full((1, 1, 8, 8), 200, dtype=torch.uint8)
    experiment._grow(Rows(light, torch.zeros(1).long(), shown=light))
    sink = Tracking(folder, experiment, lambda line: None, mode="offline")
    shown: list[Tensor] = []

    def grid(images: Tensor) -> Any:
        shown.append(images)
        return _grid(images)

    _grid = queried._grid
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queried, "_grid", grid)
        row = sink._row(replace(history[1], queried=[6, 3], labels=[1, 0], made=1))
    sink.close()
    assert [int(image.max()) for image in shown[0]] == [200, 3]
    assert row["media/queried"]._caption == "light, dark"


def test_a_round_that_was_declined_whole_is_told_and_the_next_one_too(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    heard: list[str] = []
    sink = Tracking(folder, experiment, heard.append, mode="offline")
    empty = replace(history[0], queried=[], labels=[], declined=[4, 5], bought=0)
    sink.end(empty)
    sink.end(history[1])
    sink.close()
    assert heard == []
    (part,) = map(wandb_file.whole, folder.path.glob("wandb/offline-run-*"))
    rounds = [row for row in wandb_file.history(part) if "al/round" in row]
    assert [row["al/round"] for row in rounds] == [0, 1]
    assert rounds[0]["query/classes/values"] == [0, 0]


def test_what_people_label_leaves_the_machine_only_if_they_say_so(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    experiment.data.labels_count = True
    people = {"ann": {"labels": 2, "seconds": 5.5}}
    finished = replace(history[0], people=people, declined=[4], amended={1: 0})
    for pictures, there in ((None, False), (False, False), (True, True)):
        sink = Tracking(folder, experiment, lambda line: None, mode="disabled", pictures=pictures)
        row = sink._row(finished)
        assert ("media/queried" in row) == there
        assert (row["people/ann/labels"], row["people/ann/seconds"]) == (2, 5.5)
        assert (row["al/declined"], row["al/amended"]) == (1, 1)
        sink.close()


def test_rows_that_were_made_are_counted(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    sink = Tracking(folder, experiment, lambda line: None, mode="disabled")
    growth = {"labelled": 1, "reward": 0.5, "dropped": {"copy": 2}}
    row = sink._row(replace(history[1], made=4, growth=growth))
    assert (row["al/made"], row["growth/labelled"], row["growth/reward"]) == (4, 1, 0.5)
    assert row["growth/dropped/copy"] == 2
    assert not [name for name in sink._row(history[0]) if "made" in name or "growth" in name]
    sink.close()


@pytest.mark.parametrize("asking", [False, True])
def test_what_is_printed_stays_here_where_people_are_asked(
    folder: RunFolder, experiment: Experiment, history: list[Round], asking: bool
) -> None:
    sink = Tracking(folder, experiment, lambda line: None, mode="offline", asking=asking)
    print("label at http://127.0.0.1:8123/?token=secret")
    sink.end(replace(history[0], judged="cross-validation"))
    sink.close()
    (part,) = map(wandb_file.whole, folder.path.glob("wandb/offline-run-*"))
    kept = b"".join(path.read_bytes() for path in part.rglob("*") if path.is_file())
    assert (b"token=secret" in kept) is not asking
    assert wandb_file.history(part)[0]["al/judged"] == "cross-validation"


def test_what_a_language_model_labelled_and_cost_is_told(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    sink = Tracking(folder, experiment, print, mode="offline")
    people = {"Qwen/Qwen2.5-7B": {"calls": 3, "cost": 0.5}}
    done = replace(history[0], machine=history[0].queried[:1], cost=1.5, people=people)
    done = replace(done, ruled_out={9: [0]})
    sink.begin(0)
    sink.end(done)
    sink.close()
    (part,) = map(wandb_file.whole, folder.path.glob("wandb/offline-run-*"))
    (row,) = [row for row in wandb_file.history(part) if "al/accuracy" in row]
    assert (row["al/machine"], row["al/ruled_out"], row["al/cost"]) == (1, 1, 1.5)
    assert (row["people/Qwen/Qwen2.5-7B/calls"], row["people/Qwen/Qwen2.5-7B/cost"]) == (3, 0.5)


def told(folder: RunFolder, kind: str) -> list[Any]:
    """All records of a kind in the file of the only W&B run."""
    (part,) = map(wandb_file.whole, folder.path.glob("wandb/offline-run-*"))
    found = wandb_file.records(part)
    return [getattr(record, kind) for record in found if record.HasField(kind)]


@pytest.fixture
def asked(experiment: Experiment) -> tuple[Question, Query]:
    """About the rows 3 and 2, which the model takes for dark, and which score 0.25 and 0.5."""
    logits = torch.tensor([[0.0, 9.0], [0.0, 9.0], [9.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    view = View.of(logits=logits, labels=[-1, -1, -1, -1, 0])
    rows, looked = torch.tensor([3, 2]), torch.arange(4)
    query = Query(rows, {}, None, looked, torch.tensor([0.0, 0.0, 0.5, 0.25]))
    return Question(1, rows, Grey.classes, view=view), query


def test_a_table_tells_of_each_row_its_label_the_prediction_and_the_score(
    folder: RunFolder,
    experiment: Experiment,
    history: list[Round],
    asked: tuple[Question, Query],
) -> None:
    sink = Tracking(folder, experiment, print, mode="offline", tables=True)
    sink.end(history[0])
    sink.asked(*asked)
    sink.end(replace(history[1], queried=[3, 2], labels=[1, 0], names=["c.png", "b.png"]))
    sink.close()
    kept = sorted(folder.path.glob("wandb/offline-run-*/files/media/table/media/rows_*"))
    first, second = (json.loads(path.read_text()) for path in kept)
    columns = ["round", "row", "picture", "label", "prediction", "score"]
    assert first["columns"] == second["columns"] == columns
    assert [line[:2] + line[3:] for line in (*first["data"], *second["data"])] == [
        [0, "0", "dark", None, None],
        [0, "1", "light", None, None],
        [1, "c.png", "light", "dark", 0.25],
        [1, "b.png", "dark", "dark", 0.5],
    ]
    files = [file for each in told(folder, "artifact") for file in each.manifest.contents]
    pictures = [Image.open(file.local_path) for file in files if file.path.endswith(".png")]
    assert sorted(np.asarray(picture).max() for picture in pictures) == [0, 1, 2, 3]


def test_predictions_that_fail_leave_their_cells_empty(
    folder: RunFolder, experiment: Experiment, history: list[Round], asked: tuple[Question, Query]
) -> None:
    class Diverged(Question):
        @property
        def probs(self) -> Tensor:
            raise UserError("predictions of 2 of 4 rows are not finite")

    question, query = asked
    told: list[str] = []
    sink = Tracking(folder, experiment, told.append, mode="disabled", tables=True)
    sink.asked(Diverged(1, question.rows, question.classes, view=question.view), query)
    shown = sink._row(replace(history[1], queried=[3, 2], labels=[1, 0]))["media/rows"]
    assert [line[-2:] for line in shown.data] == [[None, 0.25], [None, 0.5]]
    assert told == []
    sink.close()


def test_a_table_of_what_may_not_leave_the_machine_is_not_made(
    folder: RunFolder,
    experiment: Experiment,
    history: list[Round],
    asked: tuple[Question, Query],
) -> None:
    for tables, pictures in ((True, False), (False, True)):
        sink = Tracking(
            folder, experiment, print, mode="disabled", tables=tables, pictures=pictures
        )
        sink.asked(*asked)
        assert "probs" not in vars(asked[0])  # nor has the model looked for it
        assert "media/rows" not in sink._row(history[0])
        sink.close()


def test_a_table_has_whatever_a_row_shows_and_bears_what_cannot_be_read(
    folder: RunFolder, experiment: Experiment, history: list[Round], tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    photo = {"photo": tmp_path / "broken.png", "Label": "mine", "age": 3}
    rows = replace(experiment.rows, shown=[photo, {"age": 4}] * 3)
    experiment._known = replace(experiment._known, rows=rows)
    sink = Tracking(folder, experiment, print, mode="disabled", tables=True)
    shown = sink._row(history[0])["media/rows"]
    ours = ["round", "row", "picture", "Label (data)", "age", "label", "prediction", "score"]
    assert shown.columns == ours
    assert [line[2:6] for line in shown.data] == [
        [None, "mine", "3", "dark"],
        [None, None, "4", "light"],
    ]
    sink.close()


def test_the_model_and_the_labels_are_handed_over_and_no_secret(
    folder: RunFolder, experiment: Experiment, history: list[Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "5ec2e7" * 7)
    for done in history:
        folder.add(done, {})
    (folder.path / "model").mkdir()
    for name in ("model/model.json", "model/weights.pt", "labels.jsonl", "tokens.json"):
        (folder.path / name).write_text(f"{name} 5ec2e7" if name == "tokens.json" else name)
    sink = Tracking(folder, experiment, print, mode="offline", artifacts=True)
    sink.done()
    sink.close()
    found = {each.name: each for each in told(folder, "artifact")}
    files = {name: [file.path for file in each.manifest.contents] for name, each in found.items()}
    assert files == {
        f"model-{folder.id}": ["model.json", "weights.pt"],
        f"labels-{folder.id}": ["labels.jsonl", "rounds.jsonl"],
    }
    assert [each.type for each in found.values()] == ["model", "labels"]
    kept = (path for path in (folder.path / "wandb").rglob("*") if path.is_file())
    assert not [path for path in kept if b"5ec2e7" in path.read_bytes()]


def test_nothing_is_handed_over_and_nobody_alerted_unless_asked_for(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    folder.add(history[0], {})
    sink = Tracking(folder, experiment, print, mode="offline")
    sink.end(replace(history[0], stop={"rule": "kappa", "reason": "they agree"}))
    sink.done()
    sink.close()
    assert told(folder, "artifact") == told(folder, "alert") == []


def test_an_alert_tells_of_advice_once_and_of_the_end(
    folder: RunFolder, experiment: Experiment, history: list[Round]
) -> None:
    sink = Tracking(folder, experiment, print, mode="offline", alerts=True)
    advice = {"rule": "kappa", "reason": "they agree"}
    for done in (history[0], replace(history[1], stop=advice)):
        folder.add(done, {})
        sink.end(replace(done, stop=advice))
    sink.done()
    sink.close()
    alerts = [(each.title, each.text, each.level) for each in told(folder, "alert")]
    assert alerts == [
        ("AutoAL advises to stop", "run: they agree", "INFO"),
        ("AutoAL has finished", "run: labelled 4  accuracy 0.7500", "INFO"),
    ]
    assert [each.exit_code for each in told(folder, "exit")] == [0]


@pytest.mark.parametrize(
    ("asking", "own", "why"),
    [
        (False, False, "row 12 is odd"),
        (True, False, "error.txt tells why"),
        (False, True, "error.txt tells why"),
    ],
)
def test_an_alert_tells_of_a_failure_and_w_and_b_counts_the_run_as_failed(
    folder: RunFolder,
    experiment: Experiment,
    history: list[Round],
    asking: bool,
    own: bool,
    why: str,
) -> None:
    folder.add(history[0], {})
    experiment.data.labels_count = own
    sinks = Sinks()
    sinks.add(Tracking(folder, experiment, print, mode="offline", alerts=True, asking=asking))
    with pytest.raises(UserError), sinks:
        raise UserError("row 12 is odd")
    (alert,) = told(folder, "alert")
    assert (alert.title, alert.level) == ("AutoAL has failed", "ERROR")
    assert alert.text == f"run: in round 1: {why}"
    assert [each.exit_code for each in told(folder, "exit")] == [1]


def test_an_option_that_is_no_switch_is_refused(folder: RunFolder, experiment: Experiment) -> None:
    with pytest.raises(ValueError, match="`artifacts` must be"):
        Tracking(folder, experiment, print, artifacts="model")  # type: ignore[arg-type]
