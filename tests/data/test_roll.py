import json

import pytest

from autoal.data.order import fixed_order
from autoal.data.roll import Line, Roll
from autoal.errors import UserError

NONE = Roll([])
THREE = Roll([Line("k2", "c.jpg"), Line("k0", "a.jpg"), Line("k1", "\udcff.jpg")])


def test_a_roll_is_read_as_it_was_written() -> None:
    assert Roll.read(THREE.written()) == THREE
    assert Roll.read(b"") == NONE
    assert [json.loads(line)["name"] for line in THREE.written().splitlines()][:2] == [
        "c.jpg",
        "a.jpg",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"key": "k", "name": "a"}\n{"key":', "line 2 of the pool is damaged"),
        (b'{"key": "k"}', "line 1 of the pool is damaged"),
        (b"[1]", "line 1 of the pool is damaged"),
        (b'{"key": ["k"], "name": "a"}', "line 1 of the pool is damaged"),
        (b"\xff", "line 1 of the pool is damaged"),
        (b'{"key": "k", "name": "a"}\n' * 2, "line 2 .* damaged: its key is also that of 'a'"),
    ],
)
def test_a_damaged_line_is_refused_by_its_number(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Roll.read(content)


def test_the_first_order_is_the_fixed_one() -> None:
    assert NONE.order(list("abcdefgh")) == fixed_order(8).tolist()


def test_what_is_on_the_roll_is_read_first_and_what_is_new_is_shuffled() -> None:
    names = ["a.jpg", "c.jpg", *(f"new {number}" for number in range(20))]
    order = THREE.order(names)
    assert order[:2] == [1, 0]
    assert sorted(order[2:]) == list(range(2, 22))
    assert order[2:] != sorted(order[2:])


def test_rows_are_called_by_their_keys_and_new_ones_come_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    keys = ["new", "k0", "k1", "k2", "newer"]
    names = ["x.jpg", "renamed.jpg", "b.jpg", "c.jpg", "y.jpg"]
    assert THREE.called(keys, names) == [3, 1, 2, 0, 4]
    assert capsys.readouterr().err == "2 rows are new, such as x.jpg: they join the pool\n"
    assert NONE.called(keys, names) == [0, 1, 2, 3, 4]
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("keys", "names", "message"),
    [
        (["k0", "k1"], ["a.jpg", "b.jpg"], r"c\.jpg is gone, since the run began.*k2"),
        (["k0", "k1", "k3"], ["a.jpg", "b.jpg", "c.jpg"], r"c\.jpg has changed, since the run"),
        (["k1"], ["b.jpg"], r"c\.jpg is gone, and so have 1 more, since"),
    ],
)
def test_rows_that_are_gone_or_have_changed_are_refused(
    keys: list[str], names: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        THREE.called(keys, names)
