from collections.abc import Sequence

import pytest

from autoal.people.keys import keys_of


@pytest.mark.parametrize(
    ("classes", "keys"),
    [
        (["cat", "dog"], "12"),
        ([*"0123456789"], "0123456789"),  # 1 is never the key of another class than 1
        (["A", "b", "bird"], "ab1"),
        (["a", "A"], "12"),  # one key cannot be both
        (["u", "x", "g"], "123"),  # which are unsure, broken, and the guess
        (["2", "cat", "dog", "1"], "2341"),
    ],
)
def test_a_class_of_one_character_has_it_as_its_key(classes: Sequence[str], keys: str) -> None:
    assert keys_of(classes) == [*keys]


@pytest.mark.parametrize("count", [33, 34, 40])
def test_every_class_has_a_key_of_its_own_or_none_has_one(count: int) -> None:
    keys = keys_of([f"class {number}" for number in range(count)])
    assert len(set(keys)) == (count if count <= 33 else 1)
    assert not {"u", "g", "x"} & {*keys}
