import threading
from collections.abc import Iterator
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from autoal.datamodules import files
from autoal.datamodules.files import DataFile, DataFolder, checksum

from autoal.errors import UserError

CONTENT = bytes(range(256)) * 20
MD5 = md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT under every path, as its attributes say."""

    content = CONTENT
    cut_after: int | None = None  # bytes, and then the connection ends
    ranges = True  # whether it can go on in the middle
    starts: list[int]  # where each answer began


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        self.server.starts.append(start)
        if start >= len(self.server.content):
            self.send_error(416)
            return
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.cut_after])

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.starts = []
        thread = threading.Thread(
            target=server.serve_forever, args=(0.01,)
        )  # looks so often for its end
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def wanted(server: Server) -> DataFile:
    return DataFile("sub/set.bin", (f"http://127.0.0.1:{server.server_port}/set.bin",), MD5)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "sub").iterdir() if path.suffix != ".lock")


def test_a_missing_file_is_fetched_once(server: Server, wanted: DataFile, tmp_path: Path) -> None:
    folder = DataFolder(str(tmp_path))
    for _ in range(2):
        assert folder.get(wanted).read_bytes() == CONTENT
    assert server.starts == [0]
    assert names(tmp_path) == ["set.bin"]


def test_a_broken_download_goes_on_where_it_ended(
    server: Server, wanted: DataFile, tmp_path: Path
) -> None:
    folder = DataFolder(str(tmp_path))
    server.cut_after = 2000
    with pytest.raises(UserError, match="run again to go on"):
        folder.get(wanted)
    assert names(tmp_path) == ["set.bin.part"]
    server.cut_after = None
    assert folder.get(wanted).read_bytes() == CONTENT
    assert server.starts == [0, 2000]
    assert names(tmp_path) == ["set.bin"]


def test_a_server_that_cannot_go_on_starts_over(
    server: Server, wanted: DataFile, tmp_path: Path
) -> None:
    folder = DataFolder(str(tmp_path))
    server.cut_after = 2000
    with pytest.raises(UserError):
        folder.get(wanted)
    server.cut_after, server.ranges = None, False
    assert folder.get(wanted).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(
    server: Server, wanted: DataFile, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "set.bin.part").write_bytes(CONTENT + b"more")
    assert DataFolder(str(tmp_path)).get(wanted).read_bytes() == CONTENT
    assert server.starts[-1] == 0


def test_another_content_is_refused_with_both_checksums_and_leaves_nothing(
    server: Server, wanted: DataFile, tmp_path: Path
) -> None:
    server.content = b"an error page"
    with pytest.raises(UserError) as refused:
        DataFolder(str(tmp_path)).get(wanted)
    assert md5(b"an error page").hexdigest() in str(refused.value)
    assert MD5 in str(refused.value)
    assert names(tmp_path) == []


def test_the_second_mirror_helps_where_the_first_is_gone(
    server: Server, wanted: DataFile, tmp_path: Path
) -> None:
    mirrored = DataFile(wanted.name, ("http://127.0.0.1:9/gone", *wanted.urls), MD5)
    assert DataFolder(str(tmp_path)).get(mirrored).read_bytes() == CONTENT


def test_without_a_network_the_message_says_what_would_do(tmp_path: Path) -> None:
    absent = DataFile("set.bin", ("http://127.0.0.1:9/set.bin",), MD5)
    with pytest.raises(UserError) as refused:
        DataFolder(str(tmp_path)).get(absent)
    for part in ("set.bin", str(tmp_path), "http://127.0.0.1:9/set.bin", "AUTOAL_DATA"):
        assert part in str(refused.value)


def test_nothing_is_fetched_where_that_is_not_wished(
    server: Server, wanted: DataFile, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"data\.download is false"):
        DataFolder(str(tmp_path), download=False).get(wanted)
    assert server.starts == []


def test_a_truncated_file_is_refused_with_both_checksums(tmp_path: Path) -> None:
    path = tmp_path / "set.bin"
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(UserError) as refused:
        DataFolder(str(tmp_path)).get(DataFile("set.bin", (), MD5))
    assert checksum(path) in str(refused.value)
    assert MD5 in str(refused.value)
    assert DataFolder(str(tmp_path), check=False).get(DataFile("set.bin", (), MD5)) == path


def test_a_sound_file_is_read_once_and_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "set.bin").write_bytes(CONTENT)
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return checksum(path)

    monkeypatch.setattr(files, "checksum", counted)
    folder = DataFolder(str(tmp_path))
    for _ in range(3):
        folder.get(DataFile("set.bin", (), MD5))
    assert len(read) == 1
    (tmp_path / "set.bin").write_bytes(CONTENT + b"!")
    with pytest.raises(UserError):
        folder.get(DataFile("set.bin", (), MD5))


def test_the_folder_is_the_option_the_variable_or_the_cache(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DataFolder(None).path == cache / "data"
    monkeypatch.setenv("AUTOAL_DATA", "/somewhere")
    assert DataFolder(None).path == Path("/somewhere")
    assert DataFolder("/elsewhere").path == Path("/elsewhere")


def test_several_processes_fetch_a_file_once(
    server: Server, wanted: DataFile, tmp_path: Path
) -> None:
    folder = DataFolder(str(tmp_path))
    threads = [threading.Thread(target=folder.get, args=(wanted,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.starts == [0]
