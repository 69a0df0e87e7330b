from pathlib import Path

import pytest

from autoal.errors import UserError
from autoal.record.generated import Made, made_again, plain_made, read_made, write_made

FULL = Made(
    round=2,
    texts=("a film", "it is"),
    name="made-2-0",
    mode="conditional",
    wanted="good",
    examples=("a", "b"),
    prompt="x:\n-",
    answer=" a film | it is",
    seed=7,
    score=-0.5,
    label="bad",
    by="somebody",
)
DROPPED = Made(2, ("a copy",), dropped="copy")


def test_what_was_made_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "generated.jsonl"
    assert read_made(path) == []
    write_made(path, [FULL, DROPPED])
    assert read_made(path) == [FULL, DROPPED]
    assert made_again(plain_made([FULL, DROPPED])) == [FULL, DROPPED]
    assert (
        path.read_text().splitlines()[1] == '{"round": 2, "texts": ["a copy"], "dropped": "copy"}'
    )


def test_what_became_of_a_row_can_be_left_out() -> None:
    found = FULL.untold()
    assert (found.score, found.label, found.by, found.texts) == (None, "", "", FULL.texts)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "line 2"),
        ('{"round": 1, "texts": ["a"]', "line 2"),
        ("[]", "must be a mapping"),
        ('{"texts": ["a"]}', "it does not describe a made row"),
        ('{"round": 1, "other": 1}', "it does not describe a made row"),
        ('{"round": "1", "texts": ["a"]}', "`round` must be a whole number"),
        ('{"round": 1, "texts": "a"}', "`texts` must be a list of texts"),
        ('{"round": 1, "score": NaN}', "`score` must be a finite number"),
        ('{"round": 1, "round": 2}', "occurs twice"),
    ],
)
def test_a_damaged_file_is_told_of_in_one_message(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "generated.jsonl"
    path.write_text(f'{{"round": 1, "texts": ["a"]}}\n{line}\n')
    with pytest.raises(UserError) as error:
        read_made(path)
    assert why in str(error.value)
    assert f"{path} has changed since it was written (line 2" in str(error.value)
    assert "remove it: the rows of finished rounds are kept" in str(error.value)


def test_a_file_that_is_no_text_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "generated.jsonl"
    path.write_bytes(b"\xff\n")
    with pytest.raises(UserError, match="has changed since it was written"):
        read_made(path)
