import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from autoal.datamodules.unlabelled import Unlabelled
from PIL import Image

from autoal.data.cache import cache_folder
from autoal.data.order import fixed_order
from autoal.data.reader import rebuilt
from autoal.data.rows import UNKNOWN, Rows
from autoal.data.texts import are_texts
from autoal.errors import UserError
from autoal.testing import check_data
from tests.datamodules.made import pixels

CLASSES: list[str | int] = ["cat", "dog"]


def picture(path: Path, colour: int, **options: Any) -> Path:
    """One whose every pixel has this colour, which therefore has its own content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), (colour, 0, 0)).save(path, **options)
    return path


def written(folder: Path, *names: str) -> Path:
    """A folder of pictures that are redder and redder."""
    for number, name in enumerate(names):
        picture(folder / name, number)
    return folder


def opened(path: Path, known: bytes = b"", **options: Any) -> Unlabelled:
    data = Unlabelled(str(path), **{"classes": CLASSES, "size": 4, **options})
    data.known = known
    data.setup()
    return data


def names(rows: Rows | None) -> list[str]:
    assert rows is not None
    return rows.named(torch.arange(len(rows)))


def keys(data: Unlabelled) -> Sequence[str]:
    assert data.train.keys is not None
    return data.train.keys


def labels(data: Unlabelled) -> dict[str, str | None]:
    """The class of each row by its name; None: nobody told."""
    told = [None if label == UNKNOWN else data.classes[label] for label in data.train.labels]
    return dict(zip(names(data.train), told, strict=True))


def redness(rows: Rows) -> list[int]:
    return rows.inputs[:, 0, 0, 0].tolist()


def test_a_folder_without_a_label_is_a_pool(tmp_path: Path) -> None:
    files = [f"{number:02}.png" for number in range(12)]
    data = opened(written(tmp_path, *files), check=3)
    assert redness(data.train) == fixed_order(12).tolist()
    assert names(data.train) == [files[number] for number in fixed_order(12)]
    assert data.train.shown == [tmp_path / name for name in names(data.train)]
    assert len(set(keys(data))) == 12
    assert keys(data)[0].startswith("sha256:")
    assert data.train.labels.tolist() == [UNKNOWN] * 12
    assert (data.labels_count, data.checked, data.classes) == (True, 3, ("cat", "dog"))
    assert (data.test, data.validation) == (None, None)


@pytest.mark.parametrize("base", [".", "train"])
def test_folders_called_like_a_class_label_what_is_in_them_and_nothing_else_does(
    tmp_path: Path, base: str
) -> None:
    files = ("a.png", "holiday/dog/b.png", "2024/c.png", "test/d.png", "dogs/e.png")
    labelled = (f"{base}/cat/2024/x.png", f"{base}/dog/y.png", f"{base}/dog/z.png")
    data = opened(written(tmp_path, *labelled, *files))
    unlabelled: dict[str, str | None] = dict.fromkeys(files)
    told = ("cat", "dog", "dog")
    given = {str(Path(name)): label for name, label in zip(labelled, told, strict=True)}
    assert labels(data) == unlabelled | given


@pytest.mark.parametrize("base", [".", "train"])
def test_without_given_classes_folders_are_the_classes(
    tmp_path: Path, base: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, f"{base}/owl/a.png", f"{base}/bee/b.png", "c.png", "test/bee/d.png")
    data = opened(tmp_path, classes=None)
    assert data.classes == ("bee", "owl")
    assert sorted(data.train.labels.tolist()) == [UNKNOWN, 0, 1]
    told = f"data.classes=[bee,owl], from {tmp_path}, which labels 2 of 3 rows\n"
    assert told in capsys.readouterr().err
    assert names(data.test) == ["test/bee/d.png"]


def test_test_and_validation_pictures_are_apart(tmp_path: Path) -> None:
    written(tmp_path, "a.png", "b.png", "test/dog/c.png", "test/cat/d.png", "val/dog/e.png")
    data = opened(tmp_path)
    assert data.test is not None
    assert dict(zip(names(data.test), data.test.labels.tolist(), strict=True)) == {
        "test/cat/d.png": 0,
        "test/dog/c.png": 1,
    }
    assert data.validation is None
    assert sorted(names(data.train)) == ["a.png", "b.png"]
    assert names(opened(tmp_path, validation=None).validation) == ["val/dog/e.png"]


def test_a_class_may_be_called_as_a_part(tmp_path: Path) -> None:
    written(tmp_path, "train/a.png", "test/cat/b.png", "c.png")
    data = opened(tmp_path, classes=["train", "test"])
    assert labels(data) == {"train/a.png": "train", "test/cat/b.png": "test", "c.png": None}


def test_the_same_content_is_asked_about_once_and_its_label_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "a.png", "b.png", "c.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "again.png")
    (tmp_path / "dog").mkdir()
    shutil.copy(tmp_path / "b.png", tmp_path / "dog" / "labelled.png")
    data = opened(tmp_path)
    told = capsys.readouterr().err
    assert "the same content twice, 2 times, such as" in told
    assert "each is asked about once" in told
    assert len(data.train) == len(set(keys(data))) == 3
    assert labels(data)["dog/labelled.png"] == "dog"
    assert sorted(redness(data.train)) == [0, 1, 2]
    again = opened(tmp_path, data.remembered())
    assert names(again.train) == names(data.train)


def test_copies_with_different_labels_are_refused_by_both_names(tmp_path: Path) -> None:
    written(tmp_path, "cat/a.png", "b.png")
    (tmp_path / "dog").mkdir()
    shutil.copy(tmp_path / "cat" / "a.png", tmp_path / "dog" / "c.png")
    with pytest.raises(UserError, match="have the same content, but the labels") as refused:
        opened(tmp_path)
    for told in ("cat/a.png", "dog/c.png", "'cat'", "'dog'"):
        assert told in str(refused.value)


def test_rows_keep_their_numbers_though_files_are_renamed_and_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = opened(written(tmp_path, *(f"{number}.png" for number in range(8))))
    (tmp_path / "3.png").rename(tmp_path / "a name.png")
    (tmp_path / "dog").mkdir()
    (tmp_path / "5.png").rename(tmp_path / "dog" / "5.png")
    for number in range(30, 50):
        picture(tmp_path / f"0{number}.png", number)
    capsys.readouterr()
    second = opened(tmp_path, first.remembered())
    assert "20 rows are new, such as 0" in capsys.readouterr().err
    assert keys(second)[:8] == keys(first)
    assert redness(second.train)[:8] == redness(first.train)
    assert sorted(redness(second.train)[8:]) == list(range(30, 50))
    assert redness(second.train)[8:] != list(range(30, 50))
    assert labels(second)["dog/5.png"] == "dog"
    assert "a name.png" in names(second.train)
    assert second.fingerprint() == first.fingerprint()
    third = opened(tmp_path, second.remembered())
    assert (third.remembered(), redness(third.train)) == (
        second.remembered(),
        redness(second.train),
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), r"a\.png is gone, since the run began"),
        (lambda path: picture(path, 99), r"a\.png has changed, since the run began"),
    ],
    ids=["gone", "changed"],
)
def test_files_that_are_gone_or_have_changed_are_refused(
    tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    known = opened(written(tmp_path, "a.png", "b.png")).remembered()
    spoil(tmp_path / "a.png")
    with pytest.raises(UserError, match=message) as refused:
        opened(tmp_path, known)
    assert "left out with X on the page" in str(refused.value)


def test_pictures_are_decoded_once_and_read_from_where_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "a.png", "b.png", "c.png")
    known = opened(tmp_path).remembered()
    monkeypatch.delattr("autoal.datamodules.photos.attempted")
    data = opened(tmp_path, known, classes=["x", "y"])
    assert data.train.inputs.permute(0, 2, 3, 1).is_contiguous()
    (entry,) = (cache_folder() / "photos").iterdir()
    assert (entry / "pixels.npy").exists()


def test_pictures_that_join_are_read_from_where_they_are_kept_too(tmp_path: Path) -> None:
    known = opened(written(tmp_path, "a.png", "b.png", "c.png")).remembered()
    picture(tmp_path / "d.png", 9)
    opened(tmp_path, known)
    assert len(list((cache_folder() / "photos").iterdir())) == 2  # one for each set of files


@pytest.mark.parametrize("block", [1, 2, 512])
def test_pictures_are_the_same_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("autoal.datamodules.photos.BLOCK", block)
    written(tmp_path, *(f"{number}.png" for number in range(5)))
    shutil.copy(tmp_path / "2.png", tmp_path / "again.png")
    (tmp_path / "odd.png").write_bytes(b"nothing of the kind")
    data = opened(tmp_path, corrupt="skip")
    assert sorted(redness(data.train)) == [0, 1, 2, 3, 4]
    for name, red in zip(names(data.train), redness(data.train), strict=True):
        assert name in (f"{red}.png", "again.png")


def test_a_corrupt_picture_is_refused_or_left_out_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "a.png", "b.png")
    (tmp_path / "odd.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    for _ in range(2):
        with pytest.raises(UserError, match=r"cannot read .*odd\.png.*\n.*data\.corrupt=skip"):
            opened(tmp_path)
        assert sorted(names(opened(tmp_path, corrupt="skip").train)) == ["a.png", "b.png"]
        assert f"left out {tmp_path / 'odd.png'}: " in capsys.readouterr().err


def test_a_picture_that_may_be_read_now_is_not_left_out_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "a.png", "b.png")
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda path, mode: path.name != "a.png")
        patch.setattr("pathlib.Path.read_bytes", no_reading)
        with pytest.raises(UserError, match=r"cannot read .*a\.png: .* denied"):
            opened(tmp_path)
    assert sorted(names(opened(tmp_path).train)) == ["a.png", "b.png"]


def no_reading(path: Path) -> bytes:
    if path.name == "a.png":
        raise PermissionError(13, "Permission denied")
    with path.open("rb") as file:
        return file.read()


TABLE = "age,job,kind\n" + "".join(
    f"{row},{'cook' if row % 2 else 'nurse'},{kind}\n"
    for row, kind in enumerate(["cat", "", "dog", "?", "", "", "", "cat"])
)


def sheet(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_an_empty_cell_of_a_table_is_unlabelled(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.csv", TABLE)
    for classes in (None, CLASSES):
        data = opened(path, classes=classes, label="kind")
        assert data.classes == ("cat", "dog")
        assert [name for name, label in labels(data).items() if label] == [
            f"a.csv:{2 + row}" for row in fixed_order(8).tolist() if row in (0, 2, 7)
        ]
    assert data.train.shape == (3,)
    torch.testing.assert_close(data.train.inputs.mean(0), torch.zeros(3))
    assert data.train.shown is not None
    assert data.train.shown[0] == {
        "age": str(fixed_order(8)[0].item()),
        "job": "cook" if fixed_order(8)[0] % 2 else "nurse",
    }


def test_a_table_needs_no_column_of_labels(tmp_path: Path) -> None:
    text = "".join(f"{line.rpartition(',')[0]}\n" for line in TABLE.splitlines())
    data = opened(sheet(tmp_path / "a.csv", text), drop=["job"])
    assert data.train.labels.tolist() == [UNKNOWN] * 8
    assert data.train.shape == (1,)
    assert data.train.shown is not None
    assert list(data.train.shown[0]) == ["age", "job"]
    new = data.reader().of([["3", "cook"]]).inputs
    place = names(data.train).index("a.csv:5")
    assert torch.equal(rebuilt(data.reader().state_dict()).of([[3, "x"]]).inputs, new)
    assert torch.equal(new[0], data.train.inputs[place])


def test_rows_that_join_a_table_do_not_move_the_others(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.csv", TABLE)
    first = opened(path, label="kind")
    head, *lines = TABLE.splitlines()
    more = [head, "77,cook,dog", *lines, "78,cook,"]
    second = opened(sheet(path, "\n".join(more)), first.remembered(), label="kind")
    assert keys(second)[:8] == keys(first)
    assert sorted(names(second.train)[8:]) == ["a.csv:11", "a.csv:2"]


def photo_sheet(folder: Path, head: str = "taken,file,kind", path: str = "pictures/") -> Path:
    """A table of six pictures, some of which are labelled."""
    written(folder / "pictures", *(f"{number}.png" for number in range(6)))
    lines = [f"20{number},{path}{number}.png,{'cat' if number == 2 else ''}" for number in range(6)]
    return sheet(folder / "a.csv", "\n".join([head, *lines]))


def test_a_table_may_have_the_paths_of_pictures_and_what_is_known_of_them(tmp_path: Path) -> None:
    data = opened(photo_sheet(tmp_path), label="kind")
    order = fixed_order(6).tolist()
    assert redness(data.train) == order
    assert names(data.train) == [f"pictures/{number}.png" for number in order]
    assert labels(data)["pictures/2.png"] == "cat"
    assert data.train.shown is not None
    assert data.train.shown[0] == {
        "taken": f"20{order[0]}",
        "file": tmp_path / f"pictures/{order[0]}.png",
    }


def test_the_column_of_paths_is_told_or_found_also_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("thumb,file\n0.png,1.png\n2.png,3.png\n")
    written(tmp_path, *(f"{number}.png" for number in range(4)))
    assert sorted(names(opened(tmp_path / "twice.csv").train)) == ["0.png", "2.png"]
    data = opened(tmp_path / "twice.csv", picture="file")
    assert sorted(redness(data.train)) == [1, 3]
    bare = opened(sheet(tmp_path / "bare.csv", "3.png,x\n0.png,y\n"))
    assert sorted(redness(bare.train)) == [0, 3]


TEXTS = "id,body,kind\n" + "".join(
    f"{row},some words {row},{kind}\n"
    for row, kind in enumerate(["cat", "", "dog", "", "", "", "", "cat"])
)


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "jsonl"])
def test_texts_may_have_few_labels_or_none(tmp_path: Path, ending: str) -> None:
    rows = [line.split(",") for line in TEXTS.splitlines()]
    content = TEXTS if ending == "csv" else TEXTS.replace(",", "\t")
    if ending == "jsonl":
        objects = [dict(zip(rows[0], cells, strict=True)) for cells in rows[1:]]
        content = "".join(json.dumps(each) + "\n" for each in objects)
    path = sheet(tmp_path / f"a.{ending}", content)
    data = opened(path, classes=None, text=["body"], label="kind")
    assert data.classes == ("cat", "dog")
    assert are_texts(data.train)
    order = fixed_order(8).tolist()
    assert data.train.shown == [f"some words {row}" for row in order]
    assert [label for label in labels(data).values() if label] == [
        rows[1 + row][2] for row in order if rows[1 + row][2]
    ]
    assert opened(path, text=["body"]).train.labels.tolist() == [UNKNOWN] * 8
    assert torch.equal(data.reader().of(data.train.shown).inputs, data.train.inputs)


def test_texts_keep_their_numbers_though_rows_are_added_and_moved(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.csv", TEXTS)
    first = opened(path, text=["body"], label="kind")
    head, *lines = TEXTS.splitlines()
    more = "\n".join([head, "77,new words,dog", *reversed(lines)])
    second = opened(sheet(path, more), first.remembered(), text=["body"], label="kind")
    assert keys(second)[:8] == keys(first)
    assert (second.train.shown or ())[:8] == first.train.shown
    assert list(second.train.shown or ())[8] == "new words"


def test_the_same_text_is_asked_about_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sheet(tmp_path / "a.csv", TEXTS + "8,some words 1,dog\n")
    data = opened(path, text=["body"], label="kind")
    assert len(data.train) == 8
    assert labels(data)["a.csv:10"] == "dog"
    assert "the same content twice, 1 times" in capsys.readouterr().err
    sheet(path, TEXTS + "8,some words 0,dog\n")
    with pytest.raises(UserError, match="have the same content, but the labels"):
        opened(path, text=["body"], label="kind")


def test_unlabelled_texts_need_an_encoder(tmp_path: Path) -> None:
    data = opened(sheet(tmp_path / "a.csv", TEXTS), text=["body"])
    with pytest.raises(UserError, match="texts need an encoder"):
        data.preprocess()


def write_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, train_images=pixels(12, 8, 8), **arrays)
    return path


@pytest.mark.parametrize(
    ("known", "classes"),
    [
        ({}, CLASSES),
        ({"train_labels": [0, -1, 1] * 4}, CLASSES),
        ({"train_labels": [1, -1, 0] * 4, "classes": ["dog", "cat"]}, CLASSES),
        ({"train_labels": [0, -1, 1] * 4, "classes": ["cat", "dog"]}, None),
    ],
)
def test_an_npz_may_have_few_labels_or_none(tmp_path: Path, known: Any, classes: Any) -> None:
    path = write_npz(tmp_path / "a.npz", **known)
    data = opened(path, classes=classes)
    order = fixed_order(12).tolist()
    told = ["cat", None, "dog"] * 4 if known else [None] * 12
    assert labels(data) == {f"train[{number}]": told[number] for number in order}
    assert np.array_equal(data.train.inputs[:, 0], pixels(12, 8, 8)[order])
    assert data.train.shown is data.train.inputs
    assert data.classes == ("cat", "dog")
    known_rows = data.remembered()
    assert opened(path, known_rows, classes=classes).remembered() == known_rows


def test_an_npz_has_its_other_parts_with_the_given_classes(tmp_path: Path) -> None:
    parts = {"test_images": pixels(2, 8, 8), "test_labels": [0, 1], "classes": ["dog", "cat"]}
    path = write_npz(tmp_path / "a.npz", **parts, val_images=pixels(3, 8, 8), val_labels=[1, 0, 0])
    data = opened(path, validation=None)
    assert data.test is not None
    assert data.validation is not None
    assert (data.test.labels.tolist(), data.validation.labels.tolist()) == ([1, 0], [0, 1, 1])


def test_all_kinds_keep_the_promises_of_data(tmp_path: Path) -> None:
    written(tmp_path / "pictures", "cat/a.png", "b.png", "c.png", "test/dog/d.png")
    photo_sheet(tmp_path)
    sheet(tmp_path / "b.csv", TABLE)
    for path, column in (
        (tmp_path / "pictures", None),
        (tmp_path / "a.csv", "kind"),
        (tmp_path / "b.csv", "kind"),
        (write_npz(tmp_path / "a.npz"), None),
    ):
        check_data(Unlabelled(str(path), CLASSES, size=4, label=column))
    check_data(Unlabelled(str(sheet(tmp_path / "c.csv", TEXTS)), text=["body"], label="kind"))


def test_new_photos_are_read_as_the_pool_s(tmp_path: Path) -> None:
    noise = pixels(1, 200, 100, 3)[0]
    turned = Image.Exif()
    turned[0x0112] = 6
    for name in ("a", "b"):
        picture(tmp_path / f"{name}.jpg", 0)
        Image.fromarray(noise + ord(name)).save(tmp_path / f"{name}.jpg", exif=turned)
    data = opened(tmp_path, size=16)
    new = rebuilt(data.reader().state_dict()).read(
        [Path(str(path)) for path in data.train.shown or ()]
    )
    assert torch.equal(new.inputs, data.train.inputs)


def nothing(folder: Path) -> Path:
    return folder


def text(content: str) -> Callable[[Path], Path]:
    return lambda folder: sheet(folder / "a.csv", content)


@pytest.mark.parametrize(
    ("write", "options", "message"),
    [
        (lambda folder: folder / "none", {}, "there is no file or folder .*; data.path= names one"),
        (nothing, {}, "there are no pictures in .*; known: .png"),
        (lambda folder: written(folder, "test/cat/a.png"), {}, "there are no pictures in"),
        (
            lambda folder: written(folder, "a.png", "test/cat/b.png", "test/c.png"),
            {},
            r"test/c\.png is not in the folder of a class",
        ),
        (
            lambda folder: written(folder, "a.png", "test/cat/b.png", "test/eel/c.png"),
            {},
            r"test/eel/c\.png has the label 'eel', not one of the classes cat, dog",
        ),
        (
            lambda folder: written(folder, "a.png", "b.png"),
            {"classes": None},
            "has no class: name at least two, as in data.classes=",
        ),
        (
            lambda folder: written(folder, "owl/a.png", "b.png"),
            {"classes": None},
            "has only the class 'owl': name at least two",
        ),
        (lambda folder: written(folder, "a.png"), {"classes": ["a"]}, "data.classes has only"),
        (lambda folder: written(folder, "a.png"), {"classes": []}, "data.classes has no class"),
        (
            lambda folder: written(folder, "a.png"),
            {"classes": ["a", "b", "a"]},
            "a class is named twice: a, b, a",
        ),
        (lambda folder: written(folder, "a.png"), {"label": "x"}, "data.label is for CSV files"),
        (lambda folder: written(folder, "a.png"), {"validation": 2}, "data.validation=2: .* val"),
        (lambda folder: written(folder, "a.png"), {"text": ["x"]}, "data.text is for CSV files"),
        (text(TEXTS), {"text": ["x"]}, "has no column 'x'; it has id, body, kind"),
        (text(TEXTS), {"text": ["id"]}, "has only numbers in 'id': data.text= names the columns"),
        (text(TEXTS), {"text": ["body"], "drop": ["id"]}, "data.drop does not work with data.text"),
        (
            lambda folder: sheet(folder / "a.jsonl", "{}"),
            {},
            r"a\.jsonl: data\.text=\[\.\.\.\] names the keys",
        ),
        (text(TABLE), {"label": "sort"}, "has no column 'sort'"),
        (text(TABLE), {"classes": None}, "has no class"),
        (text(TABLE), {"label": "kind", "classes": ["cat", "x"]}, r"a\.csv:4 has the label 'dog'"),
        (text("a,b\n"), {}, r"a\.csv has no rows"),
        (text("a.png\n"), {}, r"cannot read .*a\.png: there is no file"),
        (
            text("age,kind\n1,cat\n1,dog\n"),
            {"label": "kind"},
            r"a\.csv:\d and a\.csv:\d have the same content",
        ),
        (
            lambda folder: write_npz(folder / "a.npz", train_labels=[2] * 12),
            {},
            r"a\.npz: train_labels\[0\]: 2 is not a class",
        ),
        (lambda folder: write_npz(folder / "a.npz"), {"classes": None}, "no label says"),
    ],
)
def test_what_cannot_be_a_pool_is_refused(
    tmp_path: Path, write: Callable[[Path], Path], options: dict[str, Any], message: str
) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(UserError, match=message):
        opened(write(tmp_path / "data"), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"check": -1}, "`check` must be at least 0"),
        ({"size": 0}, "`size` must be at least 1"),
        ({"channels": 2}, "`channels` must be 1 or 3"),
        ({"corrupt": "skp"}, "did you mean 'skip'"),
        ({"quoting": "non"}, "did you mean 'none'"),
        ({"header": "yes"}, "`header` must be true, false or null"),
        ({"path": 5}, "`path` must be a text"),
        ({"text": "body"}, "`text` must be a list of columns, .*, got 'body'"),
        ({"text": 0}, "`text` must be a list of columns, .*, got 0"),
        ({"text": [True]}, r"`text` must be a list of columns, .*, got \[True\]"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Unlabelled(**{"path": "a", **options})
