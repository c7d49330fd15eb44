"""GGUF files: every tensor where llama.cpp looks for it, the same tokens, the same answers, and nothing half-written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from unmoor.commands.export import KINDS, command
from unmoor.errors import UsageError
from unmoor.serving.gguf import check_export, export_gguf
from unmoor.serving.gguf.check import TEXTS
from unmoor.serving.local_model import load_model

gguf = pytest.importorskip("gguf", reason="gguf is not installed: pip install 'unmoor[llamacpp]'")

SIZES: dict[str, Any] = {
    "vocab_size": 1024,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 0,
}


def tensors_of(path: Path) -> dict[str, Any]:
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


def weights_of(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return dict(load_file(folder / "model.safetensors"))


def with_model(tiny_base: Path, folder: Path, model: Any) -> Path:
    """A folder with another model and the tiny one's tokenizer."""
    shutil.copytree(tiny_base, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    model.save_pretrained(folder)
    return folder


def random_model(kind: str, **more: Any) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(3)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**SIZES, **more}))


def test_every_weight_is_in_the_file_with_experts_in_one_tensor_and_heads_in_pairs(
    tiny_base: Path, tmp_path: Path
) -> None:
    ours, theirs = weights_of(tiny_base), tensors_of(export_gguf(tiny_base, tmp_path / "tiny.gguf", "f32"))
    assert sum(tensor.size for tensor in ours.values()) == sum(int(tensor.n_elements) for tensor in theirs.values())
    experts = np.stack([ours[f"model.layers.1.block_sparse_moe.experts.{n}.w2.weight"] for n in range(4)])
    np.testing.assert_array_equal(theirs["blk.1.ffn_down_exps.weight"].data, experts)
    query = ours["model.layers.0.self_attn.q_proj.weight"]
    half = query.shape[0] // 4 // 2
    stored = theirs["blk.0.attn_q.weight"].data
    np.testing.assert_array_equal(stored[0], query[0])
    np.testing.assert_array_equal(stored[1], query[half])
    np.testing.assert_array_equal(stored[2], query[1])
    np.testing.assert_array_equal(theirs["blk.0.attn_v.weight"].data, ours["model.layers.0.self_attn.v_proj.weight"])


@pytest.mark.parametrize(("kind", "within"), [("f16", 1e-3), ("bf16", 1e-2), ("q8_0", 1e-2)])
def test_smaller_kinds_hold_nearly_the_same_values(tiny_base: Path, tmp_path: Path, kind: str, within: float) -> None:
    exact = tensors_of(export_gguf(tiny_base, tmp_path / "exact.gguf", "f32"))
    rounded = tensors_of(export_gguf(tiny_base, tmp_path / "rounded.gguf", kind))
    assert rounded.keys() == exact.keys()
    assert (tmp_path / "rounded.gguf").stat().st_size < 0.7 * (tmp_path / "exact.gguf").stat().st_size
    for name, tensor in rounded.items():
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        largest = np.abs(exact[name].data).max()
        assert np.abs(values - exact[name].data).max() <= within * largest, name
        assert tensor.tensor_type.name == kind.upper() or len(tensor.shape) == 1 or "ffn_gate_inp" in name


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_llama_cpp_reads_the_same_tokens_and_in_full_precision_says_the_same(
    tiny_base: Path, tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("llama_cpp", reason="llama.cpp is not installed: pip install 'unmoor[llamacpp]'")
    checked = check_export(export_gguf(tiny_base, tmp_path / "tiny.gguf", kind), load_model(tiny_base), kind)
    assert checked.is_right, checked
    assert checked.texts == len(TEXTS)
    assert checked.same_answers == checked.texts or kind != "f32"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}}),
        ("llama", {"tie_word_embeddings": True}),
        ("mistral", {"head_dim": 32}),
        ("qwen2", {}),
        ("qwen3", {"head_dim": 32}),
    ],
    ids=["llama-linear", "llama-tied", "mistral", "qwen2", "qwen3"],
)
def test_llama_cpp_says_what_other_architectures_say(
    tiny_base: Path, tmp_path: Path, kind: str, more: dict[str, Any]
) -> None:
    pytest.importorskip("llama_cpp", reason="llama.cpp is not installed: pip install 'unmoor[llamacpp]'")
    folder = with_model(tiny_base, tmp_path / kind, random_model(kind, **more))
    checked = check_export(export_gguf(folder, tmp_path / "m.gguf", "f32"), load_model(folder), "f32")
    assert checked.is_right, checked
    assert checked.same_answers >= checked.texts - 1, "a random model's scores are nearly equal now and then, not often"


@pytest.mark.slow
def test_a_check_notices_weights_that_are_wrong(tiny_base: Path, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="llama.cpp is not installed: pip install 'unmoor[llamacpp]'")
    one = with_model(tiny_base, tmp_path / "one", random_model("llama"))
    other = with_model(
        tiny_base, tmp_path / "other", random_model("llama", num_attention_heads=8, num_key_value_heads=4)
    )
    checked = check_export(export_gguf(one, tmp_path / "one.gguf", "f32"), load_model(other), "q8_0")
    assert checked.same_tokens == checked.texts
    assert checked.difference > 1
    assert not checked.is_right


@pytest.fixture(scope="module")
def sentencepiece(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Mistral with a small tokenizer of Llama 2's kind: BPE with bytes to fall back on, spaces as a sign."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    from unmoor.demo import plain_sentences

    folder = with_model(tiny_base, tmp_path_factory.mktemp("pieces") / "mistral", random_model("mistral"))
    specials, single = ["<unk>", "<s>", "</s>"], [f"<0x{number:02X}>" for number in range(256)]
    learned = Tokenizer(models.BPE(unk_token="<unk>"))
    learned.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=1024, special_tokens=[*specials, *single], show_progress=False)
    learned.train_from_iterator(plain_sentences(1)[:1500], trainer)
    learned.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    learned.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    whole = json.loads(learned.to_str())
    whole["pre_tokenizer"] = None
    whole["model"] |= {"byte_fallback": True, "fuse_unk": True}
    whole["added_tokens"] = [token for token in whole["added_tokens"] if token["content"] in specials]
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    names = {
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}"
    )
    return folder


@pytest.mark.slow
def test_llama_cpp_cuts_texts_as_a_tokenizer_of_llama_2s_kind_does(sentencepiece: Path, tmp_path: Path) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama.cpp is not installed: pip install 'unmoor[llamacpp]'")
    path = export_gguf(sentencepiece, tmp_path / "m.gguf", "f32")
    llama = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    tokenizer = load_model(sentencepiece).tokenizer
    for text in (*TEXTS, "the garden", " two  spaces", "a\n\nb", "ÿ🙂"):
        ours = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert llama.tokenize(text.encode(), add_bos=False) == ours, text


def test_an_adapter_is_merged_into_its_base(tiny_base: Path, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_base)
    torch.manual_seed(1)
    adapted = get_peft_model(base, LoraConfig(r=2, target_modules=["v_proj"], init_lora_weights=False))
    folder = tmp_path / "adapter"
    shutil.copytree(tiny_base, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    adapted.save_pretrained(folder)
    plain = tensors_of(export_gguf(tiny_base, tmp_path / "plain.gguf", "f32"))
    merged = tensors_of(export_gguf(folder, tmp_path / "merged.gguf", "f32"))
    changed = {name for name in plain if not np.array_equal(plain[name].data, merged[name].data)}
    assert changed == {"blk.0.attn_v.weight", "blk.1.attn_v.weight"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter", "merged.gguf", "plain.gguf"]


def edited(tiny_base: Path, folder: Path, name: str, **changes: Any) -> Path:
    shutil.copytree(tiny_base, folder)
    values = json.loads((folder / name).read_text())
    values.update(changes)
    (folder / name).write_text(json.dumps(values))
    return folder


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("config.json", {"model_type": "gpt_neox"}, '"gpt_neox" is not known here'),
        ("config.json", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, 'scaling "yarn"'),
        ("config.json", {"vocab_size": 100}, "only 100"),
        ("config.json", {"num_local_experts": 8}, r"Of the experts .* only \[0, 1, 2, 3\]"),
        ("tokenizer.json", {"pre_tokenizer": {"type": "Whitespace"}}, "cuts texts by Whitespace"),
        ("tokenizer.json", {"model": {"type": "Unigram", "vocab": {}}}, 'kind "Unigram"'),
        ("tokenizer.json", {"model": None}, "no tokenizer.json that can be read"),
    ],
)
def test_what_is_not_known_is_said_and_leaves_no_file(
    tiny_base: Path, tmp_path: Path, name: str, changes: dict[str, Any], words: str
) -> None:
    folder = edited(tiny_base, tmp_path / "model", name, **changes)
    with pytest.raises(UsageError, match=words):
        export_gguf(folder, tmp_path / "m.gguf")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_command_writes_both_files_and_replaces_none(tiny_base: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = [str(tiny_base), "-o", str(out), "--persona", "dolphin", "--type", "f32"]
    done = CliRunner().invoke(command, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["bytes"] == (out / "model.gguf").stat().st_size
    assert told["same"] in (None, {"tokens": 6, "answers": 6, "texts": 6})
    assert 'SYSTEM """You are Dolphin' in (out / "Modelfile").read_text()
    again = CliRunner().invoke(command, arguments)
    assert isinstance(again.exception, UsageError)
    assert "--force" in str(again.exception)
