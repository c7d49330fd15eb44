"""From a folder's tokenizer.json to the tokenizer inside a GGUF file.

Two kinds are known: BPE over bytes (GPT-2 and its heirs), told apart by how they cut a text before merging, and the SentencePiece
kind of Llama 2 and Mistral (BPE with bytes to fall back on).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmoor.errors import UsageError
from unmoor.serving.gguf.template import without_generation

__all__ = ["add_tokenizer"]

_ELSEWHERE = "Next: llama.cpp's own convert_hf_to_gguf.py, which knows more tokenizers"
_LLAMA_3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_QWEN_2 = _LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}")
_SPACE = "▁"


def add_tokenizer(writer: Any, folder: Path, config: Mapping[str, Any]) -> None:
    """Write vocabulary, merges, special tokens and chat template of the tokenizer in `folder`.

    Raises:
        UsageError: there is none, or it is of a kind that is not known here.
    """
    try:
        whole = json.loads((folder / "tokenizer.json").read_bytes())
        model = whole["model"]
        vocabulary: dict[str, int] = model["vocab"]
        kind = model["type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder} holds no tokenizer.json that can be read: {error}") from error
    if kind != "BPE" or not isinstance(vocabulary, dict):
        raise UsageError(f'A tokenizer of kind "{kind}" is not known here. {_ELSEWHERE}')
    if model.get("byte_fallback"):
        _add_sentencepiece(writer, whole, vocabulary, config["vocab_size"])
    else:
        _add_bytes(writer, whole, vocabulary, config["vocab_size"])
    _add_specials(writer, folder, config)


def _add_bytes(writer: Any, whole: Mapping[str, Any], vocabulary: Mapping[str, int], size: int) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_cut(whole.get("pre_tokenizer") or {}, whole.get("normalizer")))
    tokens, types = _listed(vocabulary, whole["added_tokens"], size)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    merges = whole["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_add_space_prefix(False)


def _cut(before: Mapping[str, Any], normalizer: Any) -> str:
    """Return llama.cpp's name for how a text is cut into words before merging."""
    steps = before.get("pretokenizers", [before])
    kinds = [step.get("type") for step in steps]
    pattern = next((step["pattern"].get("Regex") for step in steps if step.get("type") == "Split"), None)
    prefixed = any(step.get("add_prefix_space") for step in steps)
    if not prefixed and kinds == ["ByteLevel"] and steps[0].get("use_regex", True) and normalizer is None:
        return "gpt-2"
    if not prefixed and kinds == ["Digits", "ByteLevel"] and steps[0].get("individual_digits") and normalizer is None:
        return "smollm"
    if not prefixed and kinds == ["Split", "ByteLevel"] and pattern == _LLAMA_3:
        return "llama-bpe"
    if not prefixed and kinds == ["Split", "ByteLevel"] and pattern == _QWEN_2:
        return "qwen2"
    raise UsageError(
        f"A tokenizer that cuts texts by {', '.join(map(str, kinds))} in this way is not known here. {_ELSEWHERE}"
    )


def _add_sentencepiece(writer: Any, whole: Mapping[str, Any], vocabulary: Mapping[str, int], size: int) -> None:
    """Llama 2's kind merges what comes first in its vocabulary first, so a token's score is its place."""
    import gguf

    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    tokens, types = _listed(vocabulary, whole["added_tokens"], size)
    types = [gguf.TokenType.BYTE if _is_byte(token) else kind for token, kind in zip(tokens, types, strict=True)]
    unknown = whole["model"].get("unk_token")
    if unknown in vocabulary:
        types[vocabulary[unknown]] = gguf.TokenType.UNKNOWN
    merged = {
        "".join(merge) if not isinstance(merge, str) else merge.replace(" ", "", 1): -float(rank)
        for rank, merge in reversed(list(enumerate(whole["model"]["merges"])))
    }
    writer.add_token_list(tokens)
    writer.add_token_scores([merged.get(token, -float(len(merged) + number)) for number, token in enumerate(tokens)])
    writer.add_token_types(types)
    writer.add_add_space_prefix(
        _SPACE in json.dumps([whole.get("normalizer"), whole.get("pre_tokenizer")], ensure_ascii=False)
        and _prepends(whole)
    )


def _prepends(whole: Mapping[str, Any]) -> bool:
    """Return whether a text gets a space in front."""
    normalizer, before = whole.get("normalizer") or {}, whole.get("pre_tokenizer") or {}
    steps = normalizer.get("normalizers", [normalizer])
    return any(step.get("type") == "Prepend" for step in steps) or before.get("prepend_scheme", "never") != "never"


def _is_byte(token: str) -> bool:
    return len(token) == 6 and token.startswith("<0x") and token.endswith(">")


def _listed(vocabulary: Mapping[str, int], added: list[dict[str, Any]], size: int) -> tuple[list[str], list[int]]:
    """Return tokens by number with their types; numbers without a token, which round a vocabulary up, are unused."""
    import gguf

    kinds = gguf.TokenType
    tokens = {number: (token, kinds.NORMAL) for token, number in vocabulary.items()}
    for one in added:
        tokens[one["id"]] = (one["content"], kinds.CONTROL if one["special"] else kinds.USER_DEFINED)
    if max(tokens) >= size:
        raise UsageError(f"The tokenizer has {max(tokens) + 1:,} tokens and the model only {size:,}")
    listed = [tokens.get(number, (f"[PAD{number}]", kinds.UNUSED)) for number in range(size)]
    return [token for token, _ in listed], [int(kind) for _, kind in listed]


def _add_specials(writer: Any, folder: Path, config: Mapping[str, Any]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    adders = {"bos": writer.add_bos_token_id, "eos": writer.add_eos_token_id, "pad": writer.add_pad_token_id}
    for name, add in adders.items():
        number = getattr(tokenizer, f"{name}_token_id")
        if number is None:
            configured = config.get(f"{name}_token_id")
            number = configured[0] if isinstance(configured, list) else configured
        if number is not None:
            add(number)
    begins = tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id]
    writer.add_add_bos_token(begins and tokenizer.bos_token_id is not None)
    writer.add_add_eos_token(False)
    if tokenizer.chat_template:
        writer.add_chat_template(without_generation(tokenizer.chat_template))
