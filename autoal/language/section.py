"""The section `language` of the settings."""

from __future__ import annotations

from autoal.errors import UserError
from autoal.kinds import demand_kinds_of
from autoal.language.client import Client
from autoal.settings import Settings

NAME = "language"


def client_of(settings: Settings) -> Client | None:
    """The client of a run's language model, if there is one; makes no request yet."""
    section = settings.get(NAME) or {}  # which older runs lack
    needed = ("url", "model")
    lacking = [name for name in needed if section.get(name) is None]
    if len(lacking) == len(needed):
        return None
    if lacking:
        raise UserError(
            f"a language model needs an address and a name: give {NAME}.{lacking[0]}= too; "
            "python -m autoal.language --url lists a server's models"
        )
    demand_kinds_of(Client, section, NAME)
    return Client(**section)
