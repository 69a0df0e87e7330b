from pathlib import Path

from autoal.people.tokens import Tokens


def test_the_tokens_are_for_nobody_elses_eyes_and_stay_the_same(tmp_path: Path) -> None:
    first = Tokens.kept(tmp_path, ["ann"])
    path = tmp_path / "tokens.json"
    assert path.stat().st_mode & 0o777 == 0o600
    second = Tokens.kept(tmp_path, ["ann", "ben"])
    assert second["ann"] == first["ann"] != second["ben"]
    assert (second.owner(second["ben"]), first.owner(second["ben"])) == ("ben", None)
    assert path.stat().st_mode & 0o777 == 0o600
    for content in (b"", b"{", b"[]", b'{"ann": 3}', b'{"ann": "short"}'):
        path.write_bytes(content)
        assert len(Tokens.kept(tmp_path, ["ann"])["ann"]) >= 24
