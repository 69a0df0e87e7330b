"""What fixtures give: how a server is started, and how a person's page on it is opened."""

from collections.abc import Callable

from autoal.people.server import Server
from tests.people.simulated import Client

Start = Callable[..., Server]
Open = Callable[..., Client]
