import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autoal.data.cache import cached
from autoal.data.npz import npz_blocks, npz_size, read_array, read_npz
from autoal.errors import UserError


def npy(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def head(shape: str, dtype: str = "|u1") -> bytes:
    """The head of an array, without the array."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def write(path: Path, name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr(name, content)


def changed(path: Path, signature: bytes, offset: int, value: bytes) -> None:
    """Change some bytes after the last such signature of the zip file."""
    content = bytearray(path.read_bytes())
    place = content.rindex(signature) + offset
    content[place : place + len(value)] = value
    path.write_bytes(content)


def test_only_the_arrays_that_are_wanted_are_read(tmp_path: Path) -> None:
    broken = np.array([{}], dtype=object)
    np.savez(tmp_path / "a.npz", one=np.arange(3), two=np.eye(2, order="F"), three=broken)
    arrays = read_npz(tmp_path / "a.npz", ["one"], ["two", "four"])
    assert sorted(arrays) == ["one", "two"]
    assert arrays["one"].tolist() == [0, 1, 2]
    assert arrays["two"].tolist() == np.eye(2).tolist()


def test_texts_and_arrays_without_rows_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", texts=["a", "bc"], none=np.zeros((0, 5)), one=np.array(7))
    arrays = read_npz(tmp_path / "a.npz", ["texts", "none", "one"])
    assert arrays["texts"].tolist() == ["a", "bc"]
    assert (arrays["none"].shape, arrays["one"].item()) == ((0, 5), 7)


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/x", "a\\x", "..", ""])
def test_a_name_that_is_a_path_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    write(tmp_path / "a.npz", f"{name}.npy", npy(np.arange(3)))
    with pytest.raises(UserError, match=r"the name of its array .* is a path"):
        read_npz(tmp_path / "a.npz", [name])


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a\\x"])
def test_the_cache_keeps_no_array_whose_name_is_a_path(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="cannot be the name of a stored array"):
        cached("kind", "key", lambda: {name: np.arange(3)})
    assert not list(tmp_path.rglob("*.npy"))


Damage = Callable[[Path], object]

DAMAGED: dict[str, tuple[Damage, str]] = {
    "a head that claims more than there is": (
        lambda path: write(path, "x.npy", head("(70368744177664,)")),
        "cannot be in 0 bytes",
    ),
    "a size that overflows": (
        lambda path: write(path, "x.npy", head(f"({2**62}, {2**62})")),
        "cannot be in 0 bytes",
    ),
    "a negative size": (
        lambda path: write(path, "x.npy", head("(-1, -1)") + b"a"),
        "cannot be in 1 bytes",
    ),
    "endless rows of nothing": (
        lambda path: write(path, "x.npy", head(f"({2**62},)", "<U0")),
        "cannot be in 0 bytes",
    ),
    "endless texts of nothing": (
        lambda path: write(path, "x.npy", head("(3000000000,)", "<U0")),
        "cannot be in 0 bytes",
    ),
    "less than there is": (
        lambda path: write(path, "x.npy", head("(1,)") + b"ab"),
        "cannot be in 2 bytes",
    ),
    "objects": (lambda path: write(path, "x.npy", head("(1,)", "|O") + b"ab"), "is of object"),
    "no head": (lambda path: write(path, "x.npy", b"nothing of the kind"), "magic string"),
    "an endless head": (
        lambda path: write(path, "x.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{"),
        "cannot be read as npz",
    ),
    "another compression": (
        lambda path: write(path, "x.npy", npy(np.arange(3)), zipfile.ZIP_BZIP2),
        "compressed in a way that numpy does not use",
    ),
    "no zip": (lambda path: path.write_bytes(b"nothing of the kind"), "not a zip file"),
    "nothing": (lambda path: path.write_bytes(b""), "not a zip file"),
    "a folder": (lambda path: path.mkdir(), "there is no file"),
    "a pipe": (os.mkfifo, "there is no file"),
}


def _with_change(signature: bytes, offset: int, value: bytes) -> Damage:
    def damage(path: Path) -> None:
        write(path, "x.npy", npy(np.arange(1000)))
        changed(path, signature, offset, value)

    return damage


DAMAGED |= {
    "a password": (_with_change(b"PK\x01\x02", 8, b"\x01\x00"), "is encrypted"),
    "an unknown compression": (_with_change(b"PK\x01\x02", 10, b"\x63\x00"), "compressed in a way"),
    "a size that it cannot have": (
        _with_change(b"PK\x01\x02", 24, b"\xff\xff\xff\x7f"),
        "claims more bytes than it can have",
    ),
    "damaged bytes": (_with_change(b"x.npy", 5, b"\xff" * 50), "cannot be read as npz"),
    "a name in no encoding": (
        _with_change(b"PK\x01\x02", 46, b"\xff"),
        "cannot be read as npz",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_in_one_message(
    tmp_path: Path, damage: Damage, message: str
) -> None:
    damage(tmp_path / "a.npz")
    for read in (
        lambda: read_npz(tmp_path / "a.npz", ["x"]),
        lambda: read_array(tmp_path / "a.npz", ("x",)),
    ):
        with pytest.raises(UserError, match=message) as caught:
            read()
        assert "a.npz" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"nothing", head("(70368744177664,)"), npy(np.arange(3))[:-1]]
)
def test_a_damaged_array_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.npy cannot be read as npy"):
        read_array(tmp_path / "a.npy", ())


def test_what_has_no_room_in_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1000))
    np.save(tmp_path / "a.npy", np.zeros(1000))
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 100, "SC_PHYS_PAGES": 150}.get)
    for read in (
        lambda: read_npz(tmp_path / "a.npz", ["x"]),
        lambda: read_array(tmp_path / "a.npz", ("x",)),
        lambda: read_array(tmp_path / "a.npy", ()),
    ):
        with pytest.raises(UserError, match=r"would unpack to 0\.0 GiB, too much for the memory"):
            read()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_in_blocks_and_from_where_somebody_was(
    save: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = {
        "images": np.arange(60, dtype=np.uint8).reshape(10, 3, 2),
        "names": np.array(["a", "bcd"]),
        "none": np.zeros((0, 2)),
    }
    path = tmp_path / "own.npz"
    save(path, **arrays)
    assert npz_size(path, ("images", "absent")) == 60 + 128  # and a head
    monkeypatch.setattr("autoal.data.npz.PIECE", 24)  # four rows of six bytes
    for done, sizes in ((0, [4, 4, 2]), (4, [4, 2]), (7, [3]), (10, [])):
        there = {"images": arrays["images"][:done]}
        blocks = list(npz_blocks(path, ("images",), (), there))
        assert [len(block["images"]) for block in blocks] == sizes
        read = [there["images"], *(block["images"] for block in blocks)]
        assert np.array_equal(np.concatenate(read), arrays["images"])
    found = list(npz_blocks(path, ("names",), ("none", "absent"), {}))
    assert [block["names"].tolist() for block in found if "names" in block] == [["a", "bcd"]]
    assert [block["none"].shape for block in found if "none" in block] == [(0, 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (head("(9, 9)") + bytes(7), r"x\.npy of uint8 \(9, 9\) cannot be in 7 bytes"),
        (head("(3,)", "|O") + bytes(24), "x.npy is of object"),
        (head("()", "<i8") + bytes(8), r"not stored row by row: give data\.memory=ram"),
    ],
)
def test_blocks_of_what_is_no_array_are_refused(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.npz"
    write(path, "x.npy", content)
    with pytest.raises(UserError, match=rf"own\.npz cannot be read as npz: .*{message}"):
        list(npz_blocks(path, ("x",), (), {}))
    with pytest.raises(UserError, match="it has no y, only x"):
        list(npz_blocks(path, ("y",), (), {}))
