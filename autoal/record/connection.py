"""Opens a run on Weights & Biases: online if possible, offline otherwise."""

from __future__ import annotations

import os
import socket
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import wandb

from autoal.record.folder import RunFolder
from autoal.record.login import signed_in

MODES = ("online", "offline", "disabled")
PATIENCE = 30  # seconds for the network at the start and at the end
UPLOADING = 600  # seconds at the end when a model is uploaded


def connect(
    folder: RunFolder, *, mode: str | None, asking: bool, uploads: bool, **options: Any
) -> tuple[Any, str]:
    """The run, and what to tell the user about it.

    Args:
        folder: of the run, which goes on as the same run on W&B.
        mode: out of MODES; None: online if there is a key and a network.
        asking: people are asked.
        uploads: files are handed over at the end.
        options: of `wandb.init`.
    """
    mode, note = mode_of(mode)
    options["settings"] = _settings(asking, uploads)
    try:
        return _opened(folder, mode, options), note
    except Exception as error:
        if mode != "online":
            raise
        wandb.teardown()  # otherwise the same id would count as in use
        note = f"W&B is offline, {error}: `wandb sync` uploads this run later"
        return _opened(folder, "offline", options), note


def mode_of(wished: str | None) -> tuple[str | None, str]:
    """W&B's mode and a note for the user about it; never a prompt and never a long wait."""
    wished = wished or os.environ.get("WANDB_MODE")
    if wished not in (None, "online"):
        return wished, ""
    if not signed_in():
        note = "`wandb login` for next time, `wandb sync` for this run"
        return "offline", f"W&B is offline, no key found: {note}"
    if not _reachable():
        return "offline", "W&B is offline, no network: `wandb sync` uploads this run later"
    return "online", ""


def _reachable() -> bool:
    """Whether the server answers, or the proxy in front of it."""
    server = wandb.setup().settings.base_url
    scheme = urlsplit(server).scheme
    url = urlsplit(getproxies().get(scheme) or server)
    port = url.port or (80 if url.scheme == "http" else 443)
    try:
        socket.create_connection((url.hostname or "", port), timeout=3).close()
    except OSError:
        return False
    return True


def _opened(folder: RunFolder, mode: str | None, options: dict[str, Any]) -> Any:
    return wandb.init(
        id=folder.id,
        name=folder.path.name,
        dir=folder.path,
        resume="allow",
        mode=mode,  # type: ignore[arg-type]
        config=folder.config,
        job_type=folder.config["strategy"]["name"],
        **options,
    )


def _settings(asking: bool, uploads: bool) -> wandb.Settings:
    wanted: dict[str, Any] = {
        "silent": True,
        # The output may contain the secret address of a page, and names of rows.
        "console": "off" if asking else "auto",
        "init_timeout": PATIENCE,
        "finish_timeout": UPLOADING if uploads else PATIENCE,
        # Private to wandb: rows reach the disk within a second, so that a killed run keeps them.
        "x_transaction_log_flush_interval": 1.0,
    }
    known = wandb.Settings.model_fields
    return wandb.Settings(**{name: value for name, value in wanted.items() if name in known})
