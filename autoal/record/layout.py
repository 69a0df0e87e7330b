"""The one list of everything a run folder may hold, by name. Needs no torch.

Anything else in the folder belongs to somebody, and is left alone.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

CONFIG = "config.yaml"  # the settings, and the versions of everything
ROUNDS = "rounds.jsonl"  # the record of truth
LABELS = "labels.jsonl"  # people's answers, their record of truth
GENERATED = "generated.jsonl"  # the rows that were made, and how
POOL = "pool.jsonl"  # the rows found in files, in the order of their numbers
TO_LABEL = "to_label.csv"  # the question to people who answer in files
LABEL_STUDIO = "label_studio.json"  # the Label Studio project in which people are asked
MEMORY = "memory.json"  # the peak memory of the run
FAILURE = "error.txt"  # what stopped the run
LOCK = ".lock"  # held by the working process
TOKENS = "tokens.json"  # of people's pages; secret
CURVE, WEIGHTS, SETTLED = "learning_curve.svg", "weights.svg", "learner.svg"
MARK = "state/tracked"  # the last round that W&B certainly has
QUESTION = "state/question.pt"  # the open question to people
STATES = ("state/round-*.pt", "state/round-*.sha256")  # of the last round, and its checksums
MODEL = "model"  # the folder of the trained model, which may be copied elsewhere
MODEL_FACTS, MODEL_WEIGHTS, MODEL_README = "model.json", "weights.pt", "README.md"
MODEL_FILES = tuple(f"{MODEL}/{name}" for name in (MODEL_FACTS, MODEL_WEIGHTS, MODEL_README))

# Files that are replaced as a whole, with temporary names until then.
FILES = (
    *(
        CONFIG,
        ROUNDS,
        GENERATED,
        POOL,
        TO_LABEL,
        LABEL_STUDIO,
        TOKENS,
        MEMORY,
        CURVE,
        WEIGHTS,
        SETTLED,
        MARK,
    ),
    *(QUESTION, *STATES, *MODEL_FILES),
)

# Files that belong to one run, and would be wrong beside another's rounds.
OF_A_RUN = (
    *(FAILURE, GENERATED, POOL, LABEL_STUDIO, MARK, MEMORY, CURVE, WEIGHTS, SETTLED),
    *(QUESTION, *STATES, *MODEL_FILES),
)


def part_of(path: Path) -> Path:
    """The temporary name of a file being written."""
    return path.with_name(f".{path.name}.part")


PARTS = tuple(str(part_of(Path(name))) for name in FILES)


def state_of(folder: Path, number: int) -> Path:
    """The file of the state after a round."""
    return folder / "state" / f"round-{number:04}.pt"


def checksums_of(state: Path) -> Path:
    """The file of a round's checksums."""
    return state.with_suffix(".sha256")


def remove(folder: Path, patterns: Iterable[str], but: Collection[Path] = ()) -> None:
    """Remove the file or folder of this name."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            if path not in but:
                path.unlink()


def has_labels(folder: Path) -> bool:
    """Whether people labelled here; their answers are as valuable as a round."""
    labels = folder / LABELS
    return labels.is_file() and labels.stat().st_size > 0
