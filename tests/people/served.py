"""Fixtures that start a server, and open a person's page on it."""

from collections.abc import Callable

from autoal.people.server import Server
from tests.people.simulated import Client

Start = Callable[..., Server]
Open = Callable[..., Client]
