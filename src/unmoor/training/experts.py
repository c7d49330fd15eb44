"""From a mixture of experts and a recipe to what would really be trained, and from texts to which experts answer them.

transformers 5 holds all experts of a layer in two fused tensors (`mlp.experts.gate_up_proj`, `mlp.experts.down_proj`)
and the router in a parameter of its own (`mlp.gate.weight`). None of them is a linear layer, so an adapter "on all
linear layers" and a quantiser of linear layers may pass them by, 96.6% of Mixtral 8x7B. Nothing here is guessed from
names alone: PEFT wraps the model on the meta device, and what it wrapped is looked at.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmoor.errors import RecipeError
from unmoor.training.memory import BYTES_AT, GIGABYTE, count_parameters, model_on_meta

__all__ = [
    "Adapter",
    "ExpertLoad",
    "ExpertsReport",
    "adapter_of",
    "expert_load",
    "experts_of",
    "experts_report",
    "load_rows",
    "unmatched",
]

ROUTER = ("mlp.gate.weight", "router.weight")
EXPERTS = ".experts."


@dataclass(frozen=True, slots=True)
class Adapter:
    """A recipe's settings that decide what of a mixture of experts is trained; `rank` 0 means full fine-tuning."""

    rank: int = 0
    target_modules: str | tuple[str, ...] = ()
    target_parameters: tuple[str, ...] = ()
    dropout: float = 0.0
    modules_to_save: tuple[str, ...] = ()
    bits: int = 16
    quantises_experts: bool = False
    router_logits: bool | None = None
    """Whether the recipe switches the balance loss on or off; None leaves it to the model's configuration."""
    balance: float | None = None
    """The balance loss's coefficient in the recipe; None leaves it to the model's configuration."""


@dataclass(frozen=True, slots=True)
class ExpertsReport:
    """What a recipe does to a mixture of experts: `router` and `experts` are "full", "adapter" or "no".

    `experts_covered` is the share of expert parameters that is trained or has an adapter, `balance_loss` the
    coefficient that is in force (0: off), `unquantised_gigabytes` what stays in 16 bits although the recipe asks for
    fewer. `sentences` say it, what costs something last, each with what to do next.
    """

    router: str
    experts: str
    experts_covered: float
    trained_parameters: int
    balance_loss: float
    unquantised_gigabytes: float
    sentences: tuple[str, ...]


def adapter_of(values: Mapping[str, Any]) -> Adapter:
    """Return the settings of a recipe of TRL or Axolotl, as written.

    TRL 1.16 switches the balance loss on for every mixture of experts unless its coefficient is 0
    (SFTTrainer.__init__); under Axolotl it is on where the model's configuration has output_router_logits.
    """
    bits = 4 if values.get("load_in_4bit") else 8 if values.get("load_in_8bit") else 16
    axolotl = "base_model" in values
    config = values.get("model_config") or values.get("overrides_of_model_config") or {}
    shared: dict[str, Any] = {
        "bits": bits,
        "target_parameters": _words(values.get("lora_target_parameters")),
        "dropout": float(values.get("lora_dropout", 0.0 if axolotl else 0.05) or 0.0),
        "modules_to_save": _words(values.get("lora_modules_to_save")),
        "router_logits": config.get("output_router_logits") if axolotl else True,
        "balance": config.get("router_aux_loss_coef") if axolotl else values.get("router_aux_loss_coef"),
    }
    if axolotl:
        targets = "linear" if values.get("lora_target_linear") else _targets(values.get("lora_target_modules"))
        rank = int(values.get("lora_r") or 8) if values.get("adapter") else 0
        return Adapter(rank, targets, quantises_experts=bool(values.get("quantize_moe_experts")), **shared)
    rank = int(values.get("lora_r", 16)) if values.get("use_peft") else 0
    targets = _targets(values.get("lora_target_modules"))
    return Adapter(rank, targets[0] if len(targets) == 1 else targets, **shared)  # TRL makes a word of a list of one


def _words(value: Any) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _targets(value: Any) -> str | tuple[str, ...]:
    """Return targets as PEFT understands them: a list of one "all-linear" means the word itself, as in TRL."""
    words = _words(value)
    return words[0] if words == ("all-linear",) or isinstance(value, str) else words


def experts_of(base: str, values: Mapping[str, Any]) -> ExpertsReport | None:
    """Return what a recipe with these `values` does to the experts of the model `base`; None if it has none, or no configuration.

    Raises:
        RecipeError: PEFT refuses the settings.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(base, trust_remote_code=False)
    except (OSError, ValueError):  # code of its own, or not here yet: loading it will say so
        return None
    return experts_report(config, adapter_of(values))


def experts_report(config: Any, adapter: Adapter) -> ExpertsReport | None:
    """Return what `adapter` does to the model of `config` before anything is loaded; None if it has no experts.

    Raises:
        RecipeError: PEFT refuses the settings, e.g. dropout on fused experts.
    """
    counted = count_parameters(config)
    if not counted.experts:
        return None
    model = model_on_meta(config)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    if adapter.rank:
        adapted, trained = _wrapped(model, adapter, names)
        kind = "adapter"
    else:
        adapted, trained, kind = set(sizes), counted.total, "full"
    covered = sum(sizes[name] for name in adapted if EXPERTS in name) / counted.experts
    router = kind if any(name.endswith(ROUTER) for name in adapted) else "no"
    balance = _balance(config, adapter)
    left = 0.0
    if adapter.bits < 16 and not adapter.quantises_experts:
        left = BYTES_AT[16] * counted.experts / GIGABYTE
    sentences = _say(adapter, router, covered, balance, (left, counted.experts / counted.total))
    experts = "no" if not covered else kind
    return ExpertsReport(router, experts, covered, trained, balance, left, sentences)


def _wrapped(model: Any, adapter: Adapter, names: Mapping[int, str]) -> tuple[set[str], int]:
    """Return the names of the parameters that PEFT gave an adapter, and how many parameters it would train."""
    from peft import LoraConfig, get_peft_model

    targets: Any = adapter.target_modules
    if missing := unmatched(model, targets):
        raise RecipeError(f"lora_target_modules: no module of the model is called {', '.join(missing)}")
    if targets == "linear":
        targets = _linear_names(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            settings = LoraConfig(
                r=adapter.rank,
                target_modules=list(targets) if isinstance(targets, tuple | list) and targets else targets or None,
                target_parameters=list(adapter.target_parameters) or None,
                lora_dropout=adapter.dropout,
                modules_to_save=list(adapter.modules_to_save) or None,
                task_type="CAUSAL_LM",
            )
            wrapped = get_peft_model(model, settings, low_cpu_mem_usage=True)
    except (ValueError, TypeError) as error:
        way = " Next: lora_dropout: 0" if "lora_dropout" in str(error) else ""
        raise RecipeError(f"PEFT refuses the adapter: {str(error).splitlines()[0]}{way}") from error
    found = set()
    for module in wrapped.modules():
        if hasattr(module, "lora_A") and hasattr(module, "get_base_layer"):
            weight = getattr(module.get_base_layer(), getattr(module, "parameter_name", "weight"), None)
            if id(weight) in names:
                found.add(names[id(weight)])
    return found, sum(parameter.numel() for parameter in wrapped.parameters() if parameter.requires_grad)


_USUAL = (
    *(
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "qkv_proj",
        "out_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
        "gate_up_proj",
    ),
    *(
        "w1",
        "w2",
        "w3",
        "gate",
        "router",
        "fc1",
        "fc2",
        "c_attn",
        "c_proj",
        "c_fc",
        "query_key_value",
        "dense",
        "dense_h_to_4h",
    ),
    *("dense_4h_to_h", "in_proj", "x_proj", "dt_proj", "lm_head", "embed_tokens", "wte", "Wqkv"),
)
"""How modules are called in one model or another: lists of them go from recipe to recipe."""


def unmatched(model: Any, targets: Any) -> list[str]:
    """Return the names among `targets`, as a recipe lists them, that no module of the model has and no other model's either, most
    likely a slip: PEFT passes over them in silence as long as one has another.
    """
    if isinstance(targets, str) or not targets:
        return []
    names = [*(name for name, _ in model.named_modules()), *_USUAL]
    return sorted(
        target for target in targets if not any(name == target or name.endswith(f".{target}") for name in names)
    )


def _linear_names(model: Any) -> list[str]:
    """Return the last names of all linear layers but the output, as Axolotl's lora_target_linear collects them."""
    from torch import nn

    names = {name.rsplit(".", 1)[-1] for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    return sorted(names - {"lm_head"})


def _balance(config: Any, adapter: Adapter) -> float:
    is_on = adapter.router_logits
    if is_on is None:
        is_on = bool(getattr(config, "output_router_logits", False))
    coefficient = adapter.balance if adapter.balance is not None else getattr(config, "router_aux_loss_coef", 0.0)
    return float(coefficient or 0.0) if is_on else 0.0


def _say(adapter: Adapter, router: str, covered: float, balance: float, left: tuple[float, float]) -> tuple[str, ...]:
    """Return the sentences of a report, the warnings last."""
    gigabytes, share = left
    how = {"full": "is trained in full", "adapter": "is trained through an adapter", "no": "is not trained"}[router]
    sentences = [f"The router, which chooses the experts, {how}."]
    alarms = []
    if covered >= 0.999:
        sentences.append("All experts are trained." if not adapter.rank else "The adapter covers all experts.")
    else:
        alarms.append(
            f"The adapter covers {covered:.0%} of the experts, which hold {share:.1%} of the parameters: the rest stays as "
            "it is. Next: name them, lora_target_parameters: [mlp.experts.gate_up_proj, mlp.experts.down_proj], with "
            "lora_dropout: 0."
        )
    if gigabytes:
        alarms.append(
            f"Quantisation to {adapter.bits} bits does not reach the experts: {gigabytes:.3g} GB of them stay in 16 bits. "
            "Next: Axolotl with quantize_moe_experts: true, or memory for it."
        )
    if balance:
        sentences.append(f"The balance loss is on, with coefficient {balance:g}.")
    elif router != "no" or covered:
        alarms.append(
            "The balance loss is off while router or experts are trained: a few experts may end up with all the work. "
            "Next: router_aux_loss_coef: 0.001 for TRL, model_config: {output_router_logits: true} for Axolotl."
        )
    return (*sentences, *alarms)


@dataclass(frozen=True, slots=True)
class ExpertLoad:
    """Which experts answered: `shares[layer][expert]` of all choices in a layer, each layer summing to 1.

    A token makes top-k choices. `tokens` is how many were looked at, padding left out.
    """

    shares: tuple[tuple[float, ...], ...]
    tokens: int

    @property
    def entropy(self) -> tuple[float, ...]:
        """Return each layer's entropy over that of equal shares: 1 is even, 0 is one expert for everything."""
        from math import log

        return tuple(-sum(p * log(p) for p in layer if p) / log(len(layer)) for layer in self.shares)

    @property
    def peak(self) -> tuple[float, ...]:
        """Return each layer's largest share over the mean: 1 is even, the number of experts is one for everything."""
        return tuple(max(layer) * len(layer) for layer in self.shares)


def expert_load(model: Any, tokenizer: Any, texts: Sequence[str], batch: int = 16, max_length: int = 512) -> ExpertLoad:
    """Return which share of tokens goes to each expert in each layer, over `texts` cut to `max_length` tokens.

    The router's own choice is read by a hook, so it holds for every model whose router gives (logits, scores, indices).

    Raises:
        RecipeError: the model has no such routers, or there is no text.
    """
    import torch

    routers = [module for name, module in model.named_modules() if (name + ".weight").endswith(ROUTER)]
    if not routers:
        raise RecipeError("The model has no router that is known here, so there is no load of experts to tell")
    if not texts:
        raise RecipeError("There is no text to look at the experts with. Next: give a few prompts")
    counts = [torch.zeros(_expert_count(model.config)) for _ in routers]
    seen: dict[str, Any] = {}
    hooks = [router.register_forward_hook(_counter(total, seen)) for router, total in zip(routers, counts, strict=True)]
    tokens, was_training = 0, model.training
    model.eval()
    try:
        with torch.no_grad():
            for start in range(0, len(texts), batch):
                ids = [tokenizer(text)["input_ids"][:max_length] for text in texts[start : start + batch]]
                width = max(1, *map(len, ids))
                rows = torch.tensor([one + [0] * (width - len(one)) for one in ids], device=model.device)
                mask = torch.arange(width) < torch.tensor([[len(one)] for one in ids])
                seen["mask"] = mask.flatten()
                model(input_ids=rows, attention_mask=mask.long().to(model.device))
                tokens += int(mask.sum())
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return ExpertLoad(tuple(tuple((one / one.sum().clamp(min=1)).tolist()) for one in counts), tokens)


def _expert_count(config: Any) -> int:
    text = config.get_text_config()
    return int(getattr(text, "num_local_experts", 0) or getattr(text, "num_experts", 0))


def _counter(total: Any, seen: Mapping[str, Any]) -> Any:
    def count(_module: Any, _inputs: Any, output: Any) -> None:
        chosen = output[2].cpu()[seen["mask"]].flatten()
        total.add_(chosen.bincount(minlength=len(total)).to(total.dtype))

    return count


def load_rows(loads: Mapping[str, ExpertLoad]) -> list[dict[str, Any]]:
    """Return one table row per layer and expert: `layer`, `expert` (from 0), and each model's share under its name."""
    first = next(iter(loads.values()))
    return [
        {"layer": layer, "expert": expert, **{name: load.shares[layer][expert] for name, load in loads.items()}}
        for layer, shares in enumerate(first.shares)
        for expert in range(len(shares))
    ]
