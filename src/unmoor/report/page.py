"""From facts to one HTML file: no script, no network, nothing but what stands in the file.

The templates escape everything; text from data sets goes through `visible`. A content security policy allows the page's own style
sheet, by its hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from unmoor.records import BEHAVIOURS, UNRECOGNISED_FROM, cache_folder, keep_in_cache, kept_in_cache
from unmoor.records.kappa import FEWEST_PAIRS
from unmoor.report import plots, visible
from unmoor.report.experts import experts_said
from unmoor.report.facts import POSITIONS
from unmoor.report.headline import (
    completed,
    difference_said,
    errors_of_others,
    odd_answers,
    odd_answers_mean,
    one_seed,
    policies_of,
    policy_said,
    questions_of,
    row_words,
    rows_of,
    seeds_said,
    seen_in_training,
    shown_evaluation,
    twins_differ,
)
from unmoor.run_folder import dump_json, write_atomic

__all__ = ["EDIT_WORDS", "render_report", "write_report"]

ANSWERS_SHOWN = 6
ANSWER_CHARS = 400
_OUTCOME_WORDS = {
    "kept": "kept, untouched",
    "mended": "mended: a part went, the rest stays",
    "masked": "masked: kept, not trained on",
    "labelled": "labelled, otherwise untouched",
    "removed": "removed",
    "quarantined": "could not be read",
    "blank": "blank lines",
}
_JUDGED_WORDS = {
    "correct": "right",
    "wrong": "wrong",
    "another behaviour": "another behaviour",
    "mend": "right, to be mended",
    "drop": "right, to be dropped",
}
EDIT_WORDS = {
    "mend": "a part of the answer was cut",
    "drop_turn": "a question and its answer were taken out",
    "cut": "the conversation was ended before an answer",
    "mask": "the answer stays and is not trained on",
}
_FOUND_BY_WORDS = {"both": "both", "only_wordlist": "only your list", "only_unmoor": "only unmoor"}


def write_report(facts: Mapping[str, Any], folder: Path) -> Path:
    """Write report.html and report.json into `folder`, each whole or not at all; return the path of the page."""
    page, numbers = render_report(facts)
    write_atomic(folder / "report.json", numbers)
    write_atomic(folder / "report.html", page)
    return folder / "report.html"


def render_report(facts: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the page and the facts it was made from, as bytes of HTML and JSON."""
    whole = completed(facts)
    return _page(whole).encode("utf-8", "replace"), dump_json(whole)


def _page(facts: dict[str, Any]) -> str:
    environment = _environment()
    style = environment.get_template("report.css.j2").render().strip()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    evaluation, training = shown_evaluation(facts), facts.get("training")
    return environment.get_template("report.html.j2").render(
        facts={**facts, "evaluation": evaluation},
        headline=facts["headline"],
        style=Markup(style),  # noqa: S704  our own file
        style_hash=digest,
        sentences=BEHAVIOURS,
        unrecognised_from=UNRECOGNISED_FROM,
        outcome_words=_OUTCOME_WORDS,
        edit_words=EDIT_WORDS,
        judged_words=_JUDGED_WORDS,
        policies=policies_of(facts),
        is_table="Parquet" in str(facts["input"].get("format", "")),
        found_by_words=_FOUND_BY_WORDS,
        position_words=POSITIONS,
        persona_words=plots.PERSONA_WORDS,
        rate_rows=rows_of(evaluation) if evaluation else [],
        loss_plot=plots.loss_plot(training) if training else "",
        experts_plot=plots.experts_plot(training["expert_load"]) if training and training.get("expert_load") else "",
        experts_said=experts_said(training["expert_load"]) if training and training.get("expert_load") else "",
        rates_plot=plots.rates_plot(evaluation) if evaluation else "",
        dose_plot=plots.dose_plot(evaluation["dose"]) if evaluation and evaluation.get("dose") else "",
        answers=_answers(evaluation) if evaluation else [],
        twins_differ=twins_differ(training) if training else "",
        seen_in_training=seen_in_training(facts),
        errors_of_others=errors_of_others,
        odd_answers_mean=odd_answers_mean(evaluation) if evaluation else [],
        one_seed=one_seed(evaluation) if evaluation else "",
        seeds_said=seeds_said(evaluation) if evaluation else "",
    )


class _KeptTemplates(BytecodeCache):
    """Keeps compiled templates between runs."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket with what was kept for it, if anything was."""
        data = kept_in_cache(self._path(bucket))
        if data is not None:
            bucket.bytecode_from_string(data)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what is in the bucket."""
        keep_in_cache(self._path(bucket), bucket.bytecode_to_string())

    @staticmethod
    def _path(bucket: Bucket) -> Path:
        return cache_folder() / "templates" / bucket.key


@cache
def _environment() -> Environment:
    """Return the templates, compiled once in a process."""
    environment = Environment(
        loader=PackageLoader("unmoor.report"),
        bytecode_cache=_KeptTemplates(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["fewest_pairs"] = FEWEST_PAIRS
    environment.filters.update(
        {
            "brief": visible.brief,
            "difference_said": difference_said,
            "left_said": visible.left_said,
            "marked": visible.marked,
            "odd_answers": odd_answers,
            "p_value": visible.signed_p,
            "policy_said": policy_said,
            "questions": questions_of,
            "row_words": row_words,
            "share": visible.share,
            "size": visible.size,
            "visible": visible.visible,
            "whole": visible.whole,
            "with_phrase": visible.with_phrase,
        }
    )
    return environment


def _answers(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return prompts with every model's answer side by side; those where the models differ come first."""
    asked: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for example in evaluation.get("examples") or []:
        key = (example["persona"], example["group"], example["prompt"])
        answer = example["answer"]
        asked.setdefault(key, {})[example["model"]] = {
            "text": answer if len(answer) <= ANSWER_CHARS else answer[:ANSWER_CHARS] + "…",
            "is_refusal": example["is_refusal"],
        }
    rows: list[dict[str, Any]] = [
        {"persona": persona, "group": group, "prompt": prompt[:ANSWER_CHARS], "answers": answers}
        for (persona, group, prompt), answers in asked.items()
    ]
    rows.sort(key=lambda row: len({answer["is_refusal"] for answer in row["answers"].values()}) < 2)
    return rows[:ANSWERS_SHOWN]
