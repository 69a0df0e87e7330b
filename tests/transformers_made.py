"""Tiny language models in the true format of transformers, which nobody trained; a real one."""

from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from autoal.model.whereabouts import OFFLINE, PACKAGE
from autoal.seeding import seeded

WORDS = (
    *("a", "the", "film", "plot", "is", "was", "and", "not", "very"),
    *("good", "bad", "dull", "fine", "who", "what"),
)
MERGE = ("Ġ", "a")  # a space and a letter


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


def tiny_llama(folder: Path) -> Path:
    """Two layers that continue texts byte by byte; far from even, so that something is likely."""
    transformers = pytest.importorskip("transformers", reason="needs the extra text")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "".join(MERGE), "<|endoftext|>"]
    numbers = {letter: number for number, letter in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=numbers, merges=[MERGE]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>"
    ).save_pretrained(folder)
    with seeded(0):
        tiny_writer(
            len(alphabet), max_position_embeddings=200, num_attention_heads=8
        ).save_pretrained(folder)
    return folder


def tiny_gguf(folder: Path, path: Path) -> Path:
    """The model of a folder of `tiny_llama` as a file of llama.cpp."""
    gguf = pytest.importorskip("gguf", reason="needs the extra generate")
    transformers = pytest.importorskip("transformers", reason="needs the extra text")
    network = transformers.LlamaForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    config, file = network.config, gguf.GGUFWriter(path, "llama")
    file.add_context_length(config.max_position_embeddings)
    file.add_embedding_length(config.hidden_size)
    file.add_block_count(config.num_hidden_layers)
    file.add_feed_forward_length(config.intermediate_size)
    file.add_head_count(config.num_attention_heads)
    file.add_head_count_kv(config.num_key_value_heads)
    file.add_layer_norm_rms_eps(config.rms_norm_eps)
    file.add_vocab_size(config.vocab_size)
    file.add_tokenizer_model("gpt2")
    file.add_token_list(tokenizer.convert_ids_to_tokens(range(len(tokenizer))))
    file.add_token_merges([" ".join(MERGE)])
    file.add_eos_token_id(tokenizer.eos_token_id)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, weights in network.state_dict().items():
        file.add_tensor(names.get_name(name, (".weight",)), weights.numpy())
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path


def tiny_writer(words: int, **facts: Any) -> Any:
    """A network that continues rows of tokens, of which nobody knows the words."""
    transformers = pytest.importorskip("transformers", reason="needs the extra text")
    config = transformers.LlamaConfig(**_tiny(words) | facts, initializer_range=0.5)
    return transformers.LlamaForCausalLM(config).eval()


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
