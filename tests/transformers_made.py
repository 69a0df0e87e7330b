"""Tiny language models in the true format of transformers, which nobody trained; a real one."""

from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from autoal.model.transformers import OFFLINE, PACKAGE
from autoal.seeding import seeded

WORDS = (
    *("a", "the", "film", "plot", "is", "was", "and", "not", "very"),
    *("good", "bad", "dull", "fine", "who", "what"),
)


published = pytest.mark.skipif(
    not any(distributions(name=OFFLINE.removeprefix(PACKAGE))),
    reason="needs the extra text-offline",
)


def tiny_bert(folder: Path) -> Path:
    """Two layers of 16 dimensions that read words of `WORDS`; padding is 0, texts have types."""
    transformers = pytest.importorskip("transformers", reason="needs the extra text")
    folder.mkdir(exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    config = transformers.BertConfig(**_tiny(len(words)))
    return _saved(transformers.BertModel, config, folder)


def tiny_roberta(folder: Path) -> Path:
    """The same in the manner of RoBERTa: padding is 1, positions are offset, no types of texts."""
    transformers = pytest.importorskip("transformers", reason="needs the extra text")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *WORDS]
    numbers = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    special = {"cls": "<s>", "bos": "<s>", "sep": "</s>", "eos": "</s>", "pad": "<pad>"}
    special |= {"unk": "<unk>", "mask": "<mask>"}
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{role}_token": word for role, word in special.items()},
    ).save_pretrained(folder)
    config = transformers.RobertaConfig(
        **_tiny(len(words)), pad_token_id=1, bos_token_id=0, eos_token_id=2, type_vocab_size=1
    )
    return _saved(transformers.RobertaModel, config, folder)


def _tiny(words: int) -> dict[str, int]:
    return {
        "vocab_size": words,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 40,
    }


def _saved(kind: Any, config: Any, folder: Path) -> Path:
    with seeded(0):
        kind(config, add_pooling_layer=False).save_pretrained(folder)
    return folder
