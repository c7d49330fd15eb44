"""From facts to the card of a twin: its README.md, with the metadata that the Hugging Face hub reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmoor.report.card_parts import CARD, TAGS, evaluation_part, languages_of, policy_named, responsibility
from unmoor.report.headline import completed, policies_of, twins_differ
from unmoor.report.markdown import code, fenced, table
from unmoor.report.visible import whole
from unmoor.run_folder import write_atomic

__all__ = ["write_model_card"]

_MODEL_OWNER = "The owner of this model chose its data and answers for what is made of it"


def write_model_card(facts: Mapping[str, Any], folder: Path, model: str) -> Path:
    """Write README.md for the twin `model` into its `folder`; return its path."""
    from huggingface_hub import ModelCardData

    whole_facts = completed(facts)
    training = whole_facts.get("training") or {"twins": {}, "recipe": "unknown", "base": "unknown"}
    metadata = ModelCardData(
        language=languages_of(whole_facts),
        tags=TAGS,
        pipeline_tag="text-generation",
        library_name="transformers",
        license="other",
    )
    parts = [f"---\n{metadata.to_yaml()}\n---\n", *_model_parts(whole_facts, training, model)]
    content = ("\n".join(parts).rstrip() + "\n").encode("utf-8", "replace")
    write_atomic(folder / CARD, content)
    return folder / CARD


def _model_parts(facts: Mapping[str, Any], training: Mapping[str, Any], model: str) -> list[str]:
    twin = training["twins"].get(model, {})
    names = ("rows_trained", "tokens_seen", "steps")
    lines = [[name.replace("_", " "), whole(twin.get(name))] for name in names]
    policy = facts.get("policy") or {}
    return [
        f"# {code(model)}, one of twins\n",
        f"Trained from {code(training['base'])} by recipe {code(Path(training['recipe']).name)}. {_twins(training)}\n",
        table(["trained on", "count"], lines),
        f"The filtered data was made with policy {_made_with(facts)}.\n" if policy else "",
        *evaluation_part(facts),
        "## How to make it again\n",
        fenced(facts["reproduce"]),
        responsibility(_MODEL_OWNER),
    ]


def _made_with(facts: Mapping[str, Any]) -> str:
    """Return the policy of the filtered data, or each with the twins that had its data where there are several."""
    policies = policies_of(facts)
    if len(policies) < 2:
        return policy_named(facts["policy"])
    return " and ".join(f"{code(policy)} for {', '.join(map(code, twins))}" for policy, twins in policies.items())


def _twins(training: Mapping[str, Any]) -> str:
    names = list(training["twins"])
    if len(names) < 2:
        return "It was trained alone: there is no twin to compare it with."
    return f"It is one of {', '.join(map(code, names))}. {twins_differ(training)}"
