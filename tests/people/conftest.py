from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from autoal.people.asked import AskedRow
from autoal.people.server import Server
from autoal.people.standing import Standing
from autoal.people.tokens import Tokens
from tests.people.made import asked_of, desk_of
from tests.people.served import Open, Start
from tests.people.simulated import Client


@pytest.fixture(autouse=True)
def no_farewell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated pages need no time to hear that all is done."""
    monkeypatch.setattr("autoal.people.server.FAREWELL", 0.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Start]:
    """Starts a server that asks people about rows."""
    with ExitStack() as stack:

        def start(
            *people: str, asked: Sequence[AskedRow] = tuple(asked_of([5, 3, 9, 1])), **options: Any
        ) -> Server:
            desk = desk_of(tmp_path, *people, **options)
            desk.open(1, asked)
            tokens = Tokens.kept(tmp_path, desk.people)
            made = Server(desk, Standing.of(tmp_path, []), tokens, "127.0.0.1", 0)
            stack.callback(made.close, "done")
            return made

        yield start


@pytest.fixture
def page() -> Iterator[Open]:
    """Opens the page of a person."""
    with ExitStack() as stack:

        def open_page(server: Server, person: str = "ann") -> Client:
            client = Client(server.url(person))
            stack.callback(client.close)
            return client

        yield open_page


@pytest.fixture
def client(server: Start, page: Open) -> Client:
    """Ann's page, on which four rows are asked about."""
    return page(server())
