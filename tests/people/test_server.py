import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autoal.errors import UserError, Waiting
from autoal.model.fitstep import FitStep
from autoal.people.server import Server
from autoal.people.standing import Standing
from autoal.people.tokens import Tokens
from tests.people.made import asked_of, desk_of
from tests.people.served import Open, Start
from tests.people.simulated import Client, Simulated, truthful


def test_what_is_no_http_is_answered_without_a_word_in_the_terminal(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    host, _, port = client.netloc.partition(":")
    with socket.create_connection((host, int(port))) as tls:
        tls.sendall(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert tls.recv(64).startswith(b"HTTP/1.0 400")
    assert capfd.readouterr() == ("", "")


def test_a_port_that_is_taken_is_named(server: Start, tmp_path: Path) -> None:
    taken = server()
    desk, tokens = desk_of(tmp_path), Tokens.kept(tmp_path, ["ann"])
    with pytest.raises(UserError, match=rf"port {taken.port} is taken .*oracle\.port="):
        Server(desk, Standing.of(tmp_path, []), tokens, "127.0.0.1", taken.port)
    with pytest.raises(UserError, match=r"cannot listen at 192\.0\.2\.1:0: .*oracle\.host="):
        Server(desk, Standing.of(tmp_path, []), tokens, "192.0.2.1", 0)


def test_twenty_people_at_once_never_get_the_same_row(server: Start) -> None:
    people, asked = [f"person {number}" for number in range(20)], asked_of(range(200))
    made = server(*people, asked=asked)
    labels = [row % 3 for row in range(200)]
    says = truthful(["cat", "dog", "eel"], labels)
    crowd = [Simulated(made.url(person), says) for person in people]
    for one in crowd:
        one.start()
    batch = made.ask(1, asked, {})
    made.desk.closed = "done"
    made.step(FitStep(1, 1, 1, 0.0, 0.0))
    for one in crowd:
        one.join()
    assert batch.labels == {row: ("cat", "dog", "eel")[row % 3] for row in range(200)}
    assert sorted(row for one in crowd for row in one.answered) == [*range(200)]
    assert not [row for one in crowd for row in one.late]


def test_enough_for_today_ends_the_wait_after_the_page_was_told(server: Start, page: Open) -> None:
    made = server()
    ann = page(made)
    ann.answer(3, "cat")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(made.ask, 1, asked_of([5, 3, 9, 1]), {})
        assert ann.post("/api/stop")["phase"] == "stopped"
        with pytest.raises(Waiting, match="stopped for today with 3 of the 4 rows of round 1 left"):
            waiting.result()


def test_the_end_is_told_to_pages_that_wait(server: Start, page: Open) -> None:
    made = server()
    ann = page(made)
    version = ann.get("/api/state")["version"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ann.get, f"/api/state?since={version}")
        time.sleep(0.1)
        made.close("done")
        assert waiting.result()["phase"] == "done"
