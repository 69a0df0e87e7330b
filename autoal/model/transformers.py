"""Language models in the format of transformers: tokenizers and networks, read from files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import torch

from autoal.errors import UserError
from autoal.model.weights import weights_follow, weights_read
from autoal.model.whereabouts import GGUF, transformers_library
from autoal.seeding import seeded

NEEDED = ("vocab_size", "hidden_size", "num_hidden_layers")  # in the configuration of an encoder
WRITING = ("ForCausalLM", "LMHeadModel")  # name endings of networks that continue a text
NO_LIMIT = sys.maxsize  # on the tokens that a model reads

Found = TypeVar("Found")


def tokenizer_of(place: Path) -> Any:
    """The tokenizer of a model, checked to give only tokens that the model has embeddings for."""
    tokenizer = _made(place, "tokenizer", transformers_library().AutoTokenizer)
    known = _read(place, "size of the vocabulary", lambda: config_of(place).vocab_size)
    if len(tokenizer) > known:
        raise UserError(
            f"the tokenizer in {place} has {len(tokenizer):,} tokens and the model embeddings of "
            f"{known:,}: it is the tokenizer of another model"
        )
    return tokenizer


def network_of(folder: Path) -> Any:
    """The network below any head, in single precision; within `weights_follow`, untrained.

    A pooler is cut off: the caller chooses what follows the last layer, and many published models
    never had one.
    """
    with seeded(0, "transformer"):  # weights are drawn before they are replaced
        network = _loaded(folder) if weights_read() else _blank(folder)
    if hasattr(network, "pooler"):
        del network.pooler  # else a module that is None would remain, which `higher` cannot read
        network.pooler = None
    return network.eval()


def writer_of(place: Path, dtype: torch.dtype = torch.float32) -> Any:
    """The network that continues texts, with its head; its weights are not to be trained."""
    demand_writer(place)
    with seeded(0, "transformer"):
        network = _weighed(place, transformers_library().AutoModelForCausalLM, dtype=dtype)
    return network.requires_grad_(False).eval()


def config_of(place: Path) -> Any:
    """The configuration of a network; one that does not encode texts is refused."""
    config = _config(place)
    if config.is_encoder_decoder or not all(hasattr(config, name) for name in NEEDED):
        raise UserError(
            f"the model in {place}, {config.model_type}, is not a text encoder, such as BERT or "
            "RoBERTa: give another one"
        )
    return config


def demand_writer(place: Path) -> None:
    """Refuse a model that cannot continue a text, before its weights are read."""
    if place.suffix == GGUF:  # which llama.cpp has only for such models
        _demand_gguf(place)
        return
    config = _config(place)
    writes = any(name.endswith(WRITING) for name in config.architectures or ())
    if config.is_encoder_decoder or not writes:
        raise UserError(
            f"the model in {place}, {config.model_type}, does not continue texts, as SmolLM2 and "
            "Qwen2.5 do: give another one"
        )


def outline_of(folder: Path) -> Any:
    """The network in a folder without its weights, and without memory for them."""
    with weights_follow(), torch.device("meta"):
        return network_of(folder)


def places_of(network: Any) -> int:
    """The longest row for which a network has positions."""
    embeddings = getattr(network, "embeddings", None)
    table = getattr(embeddings, "position_embeddings", None)
    if table is None:
        told: int = getattr(network.config, "max_position_embeddings", 0)
        return told if told > 0 else NO_LIMIT
    offset = 0 if table.padding_idx is None else table.padding_idx + 1  # as RoBERTa counts
    return int(table.num_embeddings - offset)


def demand_places(model: str, network: Any, length: int) -> None:
    """Refuse rows of more tokens than a model reads."""
    places = places_of(network)
    if length > places:
        raise UserError(
            f"rows of {length:,} tokens are longer than {model} reads: give "
            f"encoder.length={places} or less"
        )


def _config(place: Path) -> Any:
    return _made(place, "configuration", transformers_library().AutoConfig)


def _loaded(folder: Path) -> Any:
    auto = transformers_library().AutoModel
    return _weighed(folder, auto, config=config_of(folder), dtype=torch.float32)


def _weighed(place: Path, auto: Any, **options: Any) -> Any:
    """A network with its weights read from files, none of them missing."""
    options |= {"use_safetensors": True, "output_loading_info": True}
    network, told = _made(place, "model", auto, **options)
    missing = sorted(name for name in told["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise UserError(
            f"{place}: the weights are not those of the network that its configuration describes: "
            f"{missing[0]} is missing"
        )
    return network


def _blank(folder: Path) -> Any:
    auto = transformers_library().AutoModel
    return auto.from_config(config_of(folder), trust_remote_code=False).float()


def _made(place: Path, what: str, auto: Any, **options: Any) -> Any:
    """Let an auto class build its object from a place, without a download or a model's own code."""
    options |= {"trust_remote_code": False, "local_files_only": True}
    if place.suffix != GGUF:
        return _read(place, what, lambda: auto.from_pretrained(place, **options))
    options["gguf_file"] = place.name
    return _read(place, what, lambda: auto.from_pretrained(place.parent, **options))


def _demand_gguf(place: Path) -> None:
    try:
        import gguf  # noqa: F401  # by which transformers reads such files
    except ImportError as error:
        raise UserError(f"{place} needs the package gguf: pip install -e '.[generate]'") from error


def _read(place: Path, what: str, read: Callable[[], Found]) -> Found:
    """Let transformers read files in silence; any failure becomes one message."""
    try:
        with _silence():
            return read()
    except Exception as error:  # anyone may have written the files
        why = " ".join(str(error).split())
        raise UserError(f"cannot read the {what} in {place}: {why[:300]}") from error


@contextmanager
def _silence() -> Iterator[None]:
    """Silence the bars and advice of transformers."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(StringIO()):  # nothing else silences the bar for GGUF files
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
