import io
import tarfile
from pathlib import Path

import pytest

from autoal.data.shards import samples_of, shards_in
from autoal.errors import UserError


def write(path: Path, **members: bytes) -> Path:
    """A tar file; double underscores in the names stand for dots, and `in__` for a folder."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name.replace("in__", "in/").replace("__", "."))
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_members_of_one_name_are_a_sample(tmp_path: Path) -> None:
    shard = write(
        tmp_path / "0.tar",
        a__jpg=b"first",
        a__cls=b"cat\n",
        a__seg__png=b"a mask",
        in__b__json=b'{"label": 3, "caption": "x"}',
        in__b__PNG=b"second",
        c__cls=b"7",
        c__json=b'{"label": "other"}',
        c__webp=b"third",
    )
    found = samples_of(shard)
    assert [sample.label for sample in found] == ["cat", "3", "7"]
    assert [sample.picture.content() for sample in found] == [b"first", b"second", b"third"]
    assert str(found[1].picture) == f"{shard}/in/b.PNG"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a__jpg": b"x"}, r"0\.tar/a\.jpg has no label"),
        ({"a__jpg": b"x", "a__cls": b" \n"}, r"a\.cls names no class"),
        ({"a__jpg": b"x", "a__json": b"{"}, r"a\.json cannot be read"),
        ({"a__jpg": b"x", "a__json": b'{"id": 3}'}, r"a\.json names no class"),
        ({"a__jpg": b"x", "a__json": b"[" * 100_000}, r"a\.json cannot be read"),
        ({"a__jpg": b"x", "a__cls": b"\xff"}, r"a\.cls cannot be read"),
        ({"a__jpg": b"x", "a__png": b"x", "a__cls": b"1"}, r"a\.png is a second picture"),
    ],
)
def test_a_sample_that_is_none_is_named(
    tmp_path: Path, members: dict[str, bytes], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        samples_of(write(tmp_path / "0.tar", **members))


def test_a_damaged_or_compressed_shard_is_named(tmp_path: Path) -> None:
    shard = write(tmp_path / "0.tar", a__jpg=bytes(5000), a__cls=b"1")
    shard.write_bytes(shard.read_bytes()[:3000])
    with pytest.raises(UserError, match=r"0\.tar cannot be read as an uncompressed tar file: "):
        samples_of(shard)
    shard.write_bytes(b"\x1f\x8b" + bytes(600))
    with pytest.raises(UserError, match=r"0\.tar cannot be read as an uncompressed tar file: "):
        samples_of(shard)


def test_shards_stand_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.tar", "a.tar", ".c.tar", "d.tar.gz"):
        (tmp_path / name).touch()
    assert [path.name for path in shards_in(tmp_path)] == ["a.tar", "b.tar"]
