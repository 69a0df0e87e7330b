import socket
from collections.abc import Callable
from typing import Any

import pytest
import wandb

from autoal.record.connection import mode_of

pytestmark = pytest.mark.usefixtures("nobody")


def test_without_a_key_it_is_offline_and_says_how_to_log_in() -> None:
    mode, note = mode_of(None)
    assert mode == "offline"
    assert "wandb login" in note


def key(found: bool) -> Callable[..., bool]:
    return lambda **options: found


def test_with_a_key_but_no_network_it_is_offline_and_says_how_to_sync(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*arguments: Any, **options: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(wandb, "login", key(True))
    monkeypatch.setattr(socket, "create_connection", unreachable)
    mode, note = mode_of(None)
    assert mode == "offline"
    assert "wandb sync" in note


def test_with_a_key_and_a_network_it_is_online(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(wandb, "login", key(True))
        monkeypatch.setattr(wandb.setup().settings, "base_url", address)
        assert mode_of(None) == ("online", "")


def test_a_key_that_is_none_is_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "short")
    assert mode_of(None)[0] == "offline"


def test_what_the_user_says_goes_before_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mode_of("disabled") == ("disabled", "")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert mode_of(None) == ("disabled", "")
    assert mode_of("offline") == ("offline", "")


def test_online_without_a_key_is_offline_and_never_a_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert mode_of("online")[0] == "offline"
    monkeypatch.setenv("WANDB_MODE", "online")
    assert mode_of(None)[0] == "offline"


def test_a_proxy_that_is_gone_is_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wandb, "login", key(True))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert mode_of(None)[0] == "offline"
