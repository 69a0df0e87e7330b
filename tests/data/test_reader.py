import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from autoal.datamodules.folder import Folder
from autoal.datamodules.table import Table
from PIL import Image

from autoal import Arrays, Data
from autoal.data.columns import Column
from autoal.data.reader import ArrayReader, PictureReader, Reader, TextReader, rebuilt
from autoal.data.rows import UNKNOWN, Rows
from autoal.data.textfiles import TextColumns
from autoal.data.texts import parts_of
from autoal.errors import UserError

MIXED = "size,id,colour,kind\n" + "".join(
    f"{row * 1.5 or ''},{row},{['red', 'blue'][row % 2]},{'ab'[row // 2 % 2]}\n"
    for row in range(30)
)


def table(tmp_path: Path, text: str = MIXED, **options: Any) -> Data:
    path = tmp_path / "mixed.csv"
    path.write_text(text)
    data = Table(str(path), **{"label": "kind", "drop": ["id"], **options})
    data.setup()
    return data


def picture(path: Path, colour: Any, size: tuple[int, int] = (9, 7)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(colour, int) else "RGB", size, colour).save(path)
    return path


def kept(reader: Reader) -> Reader:
    """The reader that comes back from a file."""
    file = io.BytesIO()
    torch.save(reader.state_dict(), file)
    file.seek(0)
    return rebuilt(torch.load(file, weights_only=True))


def names(rows: Rows) -> Sequence[str]:
    assert rows.names is not None
    return rows.names


def test_a_reader_is_rebuilt_from_a_file_and_reads_the_same(tmp_path: Path) -> None:
    pixels = torch.arange(6 * 8 * 8 * 3, dtype=torch.uint8).view(6, 3, 8, 8)
    numbers = torch.arange(12.0).view(6, 2)
    cells = [["2.0", "7", "red"], ["", "8", "blue"]]
    for data, new in (
        (Arrays((pixels, [0, 1] * 3)), pixels[:2]),
        (Arrays((numbers, [0, 1] * 3)), numbers[:2]),
        (table(tmp_path), cells),
    ):
        reader = kept(data.reader())
        assert type(reader) is type(data.reader())
        assert torch.equal(reader.of(new).inputs, data.reader().of(new).inputs)
        assert reader.of(new).inputs.dtype == data.train.inputs.dtype


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"kind": "os.system"}, "unknown kind of reader 'os.system'"),
        ({}, "unknown kind of reader"),
        ({"kind": "arrays"}, "the stored reader of arrays is damaged"),
        ({"kind": "pictures", "like": 3}, "the stored reader of pictures is damaged"),
        ({"kind": "table", "layout": {"read": [1]}, "scale": {}}, "of table is damaged"),
    ],
)
def test_what_is_no_reader_is_refused(state: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        rebuilt(state)


def test_pictures_are_resized_and_coloured_as_those_of_the_data_set(tmp_path: Path) -> None:
    for place in range(10):
        picture(tmp_path / "set" / "ab"[place % 2] / f"{place}.png", (place, 20, 30))
    data = Folder(str(tmp_path / "set"), size=8)
    data.setup()
    new = [picture(tmp_path / "new" / "grey.png", 7), picture(tmp_path / "new" / "red.bmp", "red")]
    rows = data.reader().read(new)
    assert rows.inputs.shape == (2, 3, 8, 8)
    assert rows.inputs[:, :, 0, 0].tolist() == [[7, 7, 7], [255, 0, 0]]
    assert rows.labels.tolist() == [UNKNOWN] * 2
    assert names(rows) == [str(path) for path in new]


def test_a_folder_is_searched_to_its_depths_for_pictures_that_do_not_hide(tmp_path: Path) -> None:
    for name in ("b/2.png", "a.png", "b/c/1.PNG", ".hidden.png", ".folder/3.png"):
        picture(tmp_path / name, 1)
    (tmp_path / "b" / "notes.txt").write_text("")
    rows = PictureReader((1, 4, 6)).read([tmp_path])
    assert rows.shape == (1, 4, 6)
    assert names(rows) == [str(tmp_path / name) for name in ("a.png", "b/2.png", "b/c/1.PNG")]


def test_pictures_come_in_the_order_of_their_files(tmp_path: Path) -> None:
    array = tmp_path / "some.npz"
    np.savez(array, test_images=np.full((2, 4, 6), 9, np.uint8))
    first, last = picture(tmp_path / "z.png", 1), picture(tmp_path / "a.png", 2)
    rows = PictureReader((1, 4, 6)).read([first, array, last])
    assert rows.inputs[:, 0, 0, 0].tolist() == [1, 9, 9, 2]
    assert names(rows) == [str(first), f"{array}[0]", f"{array}[1]", str(last)]


def test_images_of_a_file_are_those_to_be_read_and_its_test_images_only_without_them(
    tmp_path: Path,
) -> None:
    pixels = np.zeros((1, 4, 6), np.uint8)
    np.savez(tmp_path / "a.npz", test_images=pixels, images=pixels + 5)
    assert PictureReader((1, 4, 6)).read([tmp_path / "a.npz"]).inputs.unique().tolist() == [5]


def test_arrays_are_the_inputs_of_a_file(tmp_path: Path) -> None:
    reader = ArrayReader(torch.float32, (2,))
    np.savez(tmp_path / "a.npz", inputs=np.arange(4.0).reshape(2, 2), other=np.ones(3))
    np.save(tmp_path / "b.npy", np.array([[8, 9]]))
    rows = reader.read([tmp_path / "b.npy", tmp_path / "a.npz"])
    assert rows.inputs.tolist() == [[8, 9], [0, 1], [2, 3]]
    assert [Path(name).name for name in names(rows)] == ["b.npy[0]", "a.npz[0]", "a.npz[1]"]


def test_a_table_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    data = table(tmp_path)
    new = tmp_path / "new.csv"
    new.write_text("colour,more,size\nred,x,3\n\nblue,y,\n")
    labelled = tmp_path / "labelled.csv"
    labelled.write_text("kind,size,colour\na,3,red\nzzz,?,blue\n")
    expected = data.reader().of([[3.0, None, "red"], [None, None, "blue"]])
    for path in (new, labelled):
        assert torch.equal(kept(data.reader()).read([path]).inputs, expected.inputs)
    assert names(data.reader().read([new])) == [f"{new}:2", f"{new}:4"]


def test_a_table_without_names_is_read_by_the_places_of_its_columns(tmp_path: Path) -> None:
    body = MIXED.split("\n", 1)[1]
    data = table(tmp_path, body, label=2, drop=[1], header=False)
    new, labelled = tmp_path / "new.csv", tmp_path / "labelled.csv"
    new.write_text("3,98,a\n4.5,99,b\n")
    labelled.write_text("3,98,red,a\n4.5,99,blue,b\n")
    found = [data.reader().read([path]).inputs for path in (new, labelled)]
    assert torch.equal(*found)
    new.write_text("3,red\n")
    with pytest.raises(UserError, match=r"new\.csv: a row has 3 cells besides its label, got 2"):
        data.reader().read([new])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size,colour\n1,green\n", "'colour' has 'green', which none .* 'blue', 'red'"),
        ("size,colour\n1,\n", "'colour' has '', which none of the data set's rows has"),
        ("size,colour\nlarge,red\n", "'size' has numbers, but 'large' is not one"),
        ("size,kind\n1,a\n", "has no column 'colour'; it has size, kind"),
        ("size,colour\n", "there are no rows"),
        ("", "is empty"),
    ],
)
def test_a_file_that_is_none_of_the_table_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    reader = table(tmp_path).reader()
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        reader.read([tmp_path / "new.csv"])


@pytest.mark.parametrize(
    ("reader", "name", "message"),
    [
        (PictureReader((3, 4, 4)), "", "there are no pictures in"),
        (
            PictureReader((3, 4, 4)),
            "none.png",
            r"cannot read .*none\.png: there is no file",
        ),
        (PictureReader((2, 4, 4)), "none.png", "pictures of 2 channels are read from npz files"),
        (ArrayReader(torch.float32, (2,)), "", "there is no file"),
        (
            ArrayReader(torch.float32, (2,)),
            "a.npz",
            r"cannot be read as npz: it has no inputs, only images",
        ),
        (ArrayReader(torch.float32, (2,)), "a.npy", r"a\.npy: rows of torch.* are not like"),
    ],
)
def test_files_without_such_rows_are_refused(
    tmp_path: Path, reader: Reader, name: str, message: str
) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((1, 5)))
    np.save(tmp_path / "a.npy", np.zeros((1, 5)))
    with pytest.raises(UserError, match=message):
        reader.read([tmp_path / name])


@pytest.mark.parametrize(
    ("dtype", "number"),
    [(torch.int32, 2**40 + 7), (torch.float32, 1e300), (torch.uint8, 256), (torch.uint8, -1)],
)
def test_a_number_that_does_not_fit_the_pool_s_is_refused(
    dtype: torch.dtype, number: float
) -> None:
    reader = ArrayReader(dtype, (2,))
    with pytest.raises(UserError, match=re.escape(f"{number} among new rows does not fit")):
        reader.of(np.array([[1, number]]))


def test_a_number_that_is_too_large_beside_those_of_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a number is too large compared with those of the table"):
        table(tmp_path).reader().of([[1e300, 1, "red"]])


CODES = "code,x,kind\n" + "".join(f"{row % 3},{row / 4},{'ab'[row % 2]}\n" for row in range(30))


def test_a_frame_with_a_gap_among_its_whole_numbers_is_read(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    reader = table(tmp_path, CODES, categorical=["code"], drop=[]).reader()
    expected = reader.of([["0", "0.5"], ["2", "1.5"]]).inputs
    for codes in ([0, 2], [0.0, 2.0]):
        assert torch.equal(
            reader.of(pandas.DataFrame({"code": codes, "x": [0.5, 1.5]})).inputs, expected
        )


def test_a_number_is_the_category_that_is_its_text_or_else_the_only_one_of_its_size() -> None:
    column = Column("code", ("0", "1", "1.0", "2.0", "a"))
    assert np.stack(column.encode(["0.0", "1", "1.0", "2"]), 1).argmax(1).tolist() == [0, 1, 2, 3]
    with pytest.raises(UserError, match="'code' has '01', which none of"):
        column.encode(["01"])


PAIR = ("question", "answer")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'id,answer,question\n1,"Yes, it is.",Is it?\n'),
        ("a.tsv", "question\tanswer\tlabel\nIs it?\tYes, it is.\t1\n"),
        ("a.txt", "question\tanswer\nIs it?\tYes, it is.\n"),
        ("a.jsonl", '{"answer": "Yes, it is.", "question": "Is it?"}\n'),
    ],
)
def test_new_texts_are_read_by_the_names_of_their_columns(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    reader = kept(TextReader(PAIR, TextColumns((*PAIR,), "label")))
    rows = reader.read([tmp_path / name])
    assert parts_of(rows) == [("Is it?", "Yes, it is.")]
    assert torch.equal(rows.inputs, reader.of([("Is it?", "Yes, it is.")]).inputs)


def test_new_texts_without_a_header_stand_where_the_others_did(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('3,"A title","Some, words"\n')
    reader = kept(TextReader(("title", "words"), TextColumns((1, 2), 0)))
    assert parts_of(reader.read([tmp_path / "a.csv"])) == [("A title", "Some, words")]


def test_a_plain_file_has_a_new_text_a_line(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("42\n\ntwo\twords\n")
    rows = kept(TextReader(("body",))).read([tmp_path / "a.txt", tmp_path / "b.txt"])
    assert rows.shown == ["42", "two\twords"] * 2
    assert names(rows)[1:3] == [f"{tmp_path / 'a.txt'}:3", f"{tmp_path / 'b.txt'}:1"]


@pytest.mark.parametrize(
    ("columns", "content"),
    [
        (TextColumns(("body",), "topic"), "topic\tbody\nx\tone\ny\ttwo\n"),
        (TextColumns(("body",), "topic"), "body\none\ntwo\n"),
        (TextColumns((1,), 0), "x\tone\ny\ttwo\n"),
        (TextColumns((1,), 0), "one\ntwo\n"),
    ],
)
def test_a_plain_file_may_have_the_columns_of_the_others(
    tmp_path: Path, columns: TextColumns, content: str
) -> None:
    (tmp_path / "a.txt").write_text(content)
    assert kept(TextReader(("body",), columns)).read([tmp_path / "a.txt"]).shown == ["one", "two"]


def test_a_plain_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words\ttopic\none\tx\n")
    with pytest.raises(UserError, match="has no column 'body'; it has words, topic"):
        kept(TextReader(("body",), TextColumns(("body",)))).read([tmp_path / "a.txt"])


@pytest.mark.parametrize("given", [["one", "two"], [["one"], ["two"]], np.array(["one", "two"])])
def test_texts_at_hand_are_read_in_whatever_form(given: Any) -> None:
    assert kept(TextReader(("body",))).of(given).shown == ["one", "two"]


def test_a_frame_has_texts_below_their_names_or_nothing_else() -> None:
    pandas = pytest.importorskip("pandas")
    reader = TextReader(PAIR)
    frame = pandas.DataFrame({"answer": ["Yes."], "id": [1], "question": ["Is it?"]})
    other = pandas.DataFrame({"one": ["Is it?"], "two": ["Yes."]})
    assert parts_of(reader.of(frame)) == parts_of(reader.of(other)) == [("Is it?", "Yes.")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("one", "give a list of texts, got 'one'"),
        (7, "give a list of texts, got 7"),
        (["one", 7], r"row 1 must be a text, none of them empty, got \(7,\)"),
        (["one", None], "row 1 must be a text"),
        (["one", ""], "row 1 must be a text, none of them empty"),
        (["one", " \n"], "row 1 must be a text, none of them empty"),
        ([("one", "two")], "row 0 must be a text"),
    ],
)
def test_what_is_no_text_is_refused(given: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        TextReader(("body",)).of(given)


def test_new_texts_that_lack_a_column_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,one\n")
    with pytest.raises(UserError, match=r"a\.csv has no column 'body'; it has id, text"):
        TextReader(("body",)).read([tmp_path / "a.csv"])
