"""From safetensors to GGUF: the architectures whose twins people train, tensor by tensor, so that memory holds one at a time.

Names and shapes are those of llama.cpp's loader (package `gguf`): experts of a layer in one tensor, and the rows of query and key
reordered for its rotary embedding, which pairs neighbours where transformers pairs halves.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmoor.errors import MissingExtraError, UsageError
from unmoor.run_folder import machine_errors
from unmoor.serving.gguf.tokens import add_tokenizer

__all__ = ["export_gguf"]

ARCHITECTURES = {"llama": "llama", "mistral": "llama", "mixtral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
"""transformers' `model_type` to llama.cpp's architecture."""
_ELSEWHERE = "Next: llama.cpp's own convert_hf_to_gguf.py, which knows more architectures"
_EXPERTS = {"gate": ("w1", "gate_proj"), "down": ("w2", "down_proj"), "up": ("w3", "up_proj")}
_BLOCK = 32
"""Values in one block of q8_0; rows of another length are stored in 16 bits."""

_Array = NDArray[Any]
_Read = Callable[[], _Array]


@dataclass(frozen=True, slots=True)
class _Tensor:
    """One tensor of the file: its name, its shape, and what reads it."""

    name: str
    shape: tuple[int, ...]
    read: _Read


def export_gguf(folder: Path, out: Path, kind: str = "f16", name: str = "") -> Path:
    """Write the model in `folder` to the file `out`, whole or not at all, and return it; adapters are merged into their base.

    Raises:
        UsageError: no model folder, or an architecture, a rotary scaling or a tokenizer that is not known here.
        MissingExtraError: the package `gguf` is not installed.
        MachineError: the disk is full or fails.
    """
    try:
        import gguf
    except ImportError as error:
        raise MissingExtraError("Writing GGUF", "llamacpp") from error
    if (folder / "adapter_config.json").exists():
        with tempfile.TemporaryDirectory(dir=out.parent) as merged:
            return export_gguf(_merged(folder, Path(merged)), out, kind, name or folder.name)
    config = _config(folder)
    half = out.with_name(f".{out.name}.half")
    writer = gguf.GGUFWriter(half, ARCHITECTURES[config["model_type"]])
    writer.add_name(name or folder.resolve().name)
    _add_config(writer, config, kind)
    add_tokenizer(writer, folder, config)
    with machine_errors(f"Writing {out}"):
        try:
            _write(writer, _tensors(folder, config), kind)
            half.replace(out)
        finally:
            half.unlink(missing_ok=True)
    return out


def _merged(folder: Path, into: Path) -> Path:
    from unmoor.serving.local_model import load_model

    loaded = load_model(folder)
    try:
        from peft import AutoPeftModelForCausalLM
    except ImportError as error:
        raise MissingExtraError("Merging an adapter", "train") from error
    model = AutoPeftModelForCausalLM.from_pretrained(folder, dtype="auto").merge_and_unload()
    model.save_pretrained(into)
    loaded.tokenizer.save_pretrained(into)
    return into


def _config(folder: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no model: there is no config.json to read in it") from error
    if config.get("model_type") not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise UsageError(f'The architecture "{config.get("model_type")}" is not known here ({known} are). {_ELSEWHERE}')
    if not any(folder.glob("*.safetensors")):
        raise UsageError(f"{folder} holds no .safetensors weights")
    return config


def _add_config(writer: Any, config: Mapping[str, Any], kind: str) -> None:
    import gguf

    heads = config["num_attention_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    _add_rope(writer, config)
    if config.get("num_local_experts"):
        writer.add_expert_count(config["num_local_experts"])
        writer.add_expert_used_count(config["num_experts_per_tok"])
    types = gguf.LlamaFileType
    of_kind = {"f32": types.ALL_F32, "f16": types.MOSTLY_F16, "bf16": types.MOSTLY_BF16, "q8_0": types.MOSTLY_Q8_0}
    writer.add_file_type(of_kind[kind])
    if kind == "q8_0":
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _add_rope(writer: Any, config: Mapping[str, Any]) -> None:
    """Write the rotary embedding; transformers 5 has it under `rope_parameters`, earlier ones in two places."""
    import gguf

    rope = {**(config.get("rope_scaling") or {}), **(config.get("rope_parameters") or {})}
    writer.add_rope_freq_base(rope.get("rope_theta") or config.get("rope_theta") or 10000.0)
    scaling = rope.get("rope_type") or rope.get("type") or "default"
    if scaling == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    elif scaling != "default":
        raise UsageError(f'The rotary scaling "{scaling}" is not known here. {_ELSEWHERE}')


def _tensors(folder: Path, config: Mapping[str, Any]) -> Iterator[_Tensor]:
    """Yield what the file holds, in the order of the checkpoint; nothing is read yet."""
    import gguf

    names = gguf.get_tensor_name_map(
        getattr(gguf.MODEL_ARCH, ARCHITECTURES[config["model_type"]].upper()), config["num_hidden_layers"]
    )
    found = dict(_checkpoint(folder))
    heads = config["num_attention_heads"]
    paired = {"q_proj": heads, "k_proj": config.get("num_key_value_heads") or heads}
    is_llama = ARCHITECTURES[config["model_type"]] == "llama"
    experts: dict[str, dict[int, _Tensor]] = {}
    for source, tensor in found.items():
        parts = source.split(".")
        if "experts" in parts:
            layer, number, role = int(parts[2]), int(parts[parts.index("experts") + 1]), _role(parts[-2], source)
            experts.setdefault(f"blk.{layer}.ffn_{role}_exps.weight", {})[number] = tensor
            continue
        if tied_head(source, config) or source.endswith("rotary_emb.inv_freq"):
            continue
        name = names.get_name(source, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise UsageError(f'The weights "{source}" have no place in llama.cpp\'s architecture. {_ELSEWHERE}')
        in_pairs = paired.get(parts[-2]) if is_llama else None
        yield _Tensor(name, tensor.shape, _neighbours(tensor.read, in_pairs) if in_pairs else tensor.read)
    for name, members in experts.items():
        if sorted(members) != list(range(config["num_local_experts"])):
            raise UsageError(f"Of the experts for {name} only {sorted(members)} are in the checkpoint")
        ordered = [members[number] for number in sorted(members)]
        yield _Tensor(name, (len(ordered), *ordered[0].shape), _stack([one.read for one in ordered]))


def tied_head(source: str, config: Mapping[str, Any]) -> bool:
    """Return whether these weights are the embedding again, which llama.cpp takes from there."""
    return source == "lm_head.weight" and bool(config.get("tie_word_embeddings"))


def _role(part: str, source: str) -> str:
    role = next((role for role, names in _EXPERTS.items() if part in names), None)
    if role is None:
        raise UsageError(
            f'The weights "{source}" of an expert are stored in a way that is not known here. {_ELSEWHERE}'
        )
    return role


def _checkpoint(folder: Path) -> Iterator[tuple[str, _Tensor]]:
    from safetensors import safe_open

    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as shard:
            for name in shard.keys():  # noqa: SIM118  it is no dictionary
                shape = tuple(shard.get_slice(name).get_shape())
                yield name, _Tensor(name, shape, _reader(path, name))


def _reader(path: Path, name: str) -> _Read:
    def read() -> _Array:
        import torch
        from safetensors import safe_open

        with safe_open(path, framework="pt") as shard:
            values: _Array = shard.get_tensor(name).to(torch.float32).numpy()
            return values

    return read


def _neighbours(read: _Read, heads: int) -> _Read:
    """Reorder the rows of each head, from the first half beside the second to pairs."""

    def reordered() -> _Array:
        values = read()
        split = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
        return np.ascontiguousarray(split.swapaxes(1, 2).reshape(values.shape))

    return reordered


def _stack(reads: list[_Read]) -> _Read:
    return lambda: np.stack([read() for read in reads])


def _write(writer: Any, tensors: Iterator[_Tensor], kind: str) -> None:
    import gguf

    planned = list(tensors)
    for tensor in planned:
        stored = _stored(tensor, kind)
        size = int(np.prod(tensor.shape))
        shape: tuple[int, ...] = tensor.shape
        dtype: Any = np.float32
        if stored is gguf.GGMLQuantizationType.F16:
            dtype = np.float16
        elif stored is not gguf.GGMLQuantizationType.F32:
            shape, dtype = gguf.quant_shape_to_byte_shape(shape, stored), np.uint8
        block, per_block = gguf.GGML_QUANT_SIZES[stored]
        writer.add_tensor_info(tensor.name, shape, np.dtype(dtype), size // block * per_block, stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in planned:
        writer.write_tensor_data(gguf.quants.quantize(tensor.read(), _stored(tensor, kind)))
    writer.close()


def _stored(tensor: _Tensor, kind: str) -> Any:
    """Return how one tensor is stored."""
    import gguf

    types = gguf.GGMLQuantizationType
    if len(tensor.shape) < 2 or "ffn_gate_inp" in tensor.name or kind == "f32":
        return types.F32
    if kind == "q8_0":
        return types.Q8_0 if tensor.shape[-1] % _BLOCK == 0 else types.F16
    return types.F16 if kind == "f16" else types.BF16
