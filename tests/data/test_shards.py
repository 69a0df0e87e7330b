import io
import tarfile
from collections.abc import Callable
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


def overwritten(content: bytes, begin: int, new: bytes) -> bytes:
    return content[:begin] + new + content[begin + len(new) :]


DAMAGES: dict[str, Callable[[bytes, int], bytes]] = {
    "a head that is damaged": lambda tar, head: overwritten(tar, head + 30, b"damaged"),
    "a head of zeros": lambda tar, head: overwritten(tar, head, bytes(512)),
    "a cut before a head": lambda tar, head: tar[:head],
    "a cut in a head": lambda tar, head: tar[: head + 200],
    "a head and nothing but zeros": lambda tar, head: overwritten(tar[: head + 512], head, b"?"),
    "another shard behind the end": lambda tar, head: tar[:head] + bytes(1024) + tar[head:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_shard_that_is_damaged_behind_a_sample_is_refused(
    tmp_path: Path, damage: Callable[[bytes, int], bytes]
) -> None:
    shard = write(tmp_path / "0.tar", a__jpg=b"x", a__cls=b"1", b__jpg=b"y", b__cls=b"2")
    head = 4 * 512  # behind the first sample, each of whose members has a head and a block
    shard.write_bytes(damage(shard.read_bytes(), head))
    with pytest.raises(UserError, match=r"0\.tar is cut off or damaged at byte 2,048"):
        samples_of(shard)


@pytest.mark.parametrize("zeros", [512, 1024, 3 << 20])
def test_a_shard_may_end_with_zeros_of_any_number(tmp_path: Path, zeros: int) -> None:
    shard = write(tmp_path / "0.tar", a__jpg=b"x", a__cls=b"1")
    shard.write_bytes(shard.read_bytes()[: 4 * 512] + bytes(zeros))
    assert len(samples_of(shard)) == 1


def test_a_cut_between_a_picture_and_its_label_is_told_as_one(tmp_path: Path) -> None:
    shard = write(tmp_path / "0.tar", a__jpg=b"x", a__cls=b"1")
    shard.write_bytes(shard.read_bytes()[: 2 * 512])
    with pytest.raises(UserError, match=r"0\.tar is cut off or damaged at byte 1,024"):
        samples_of(shard)


def test_shards_stand_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.tar", "a.tar", ".c.tar", "d.tar.gz"):
        (tmp_path / name).touch()
    assert [path.name for path in shards_in(tmp_path)] == ["a.tar", "b.tar"]
