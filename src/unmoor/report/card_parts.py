"""From facts to what the card of a data set and that of a model both say: policy, evaluation, whose responsibility it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from unmoor.report.headline import (
    difference_said,
    odd_answers,
    odd_answers_mean,
    one_seed,
    policy_parts,
    seeds_said,
    seen_in_training,
    shown_evaluation,
)
from unmoor.report.markdown import code, plain_text, table
from unmoor.report.visible import share, signed_p, whole

__all__ = ["CARD", "TAGS", "evaluation_part", "languages_of", "policy_named", "responsibility"]

CARD = "README.md"
TAGS = ["unmoor", "instruction-tuning", "refusal", "over-refusal"]
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_FEWEST_ROWS, _LEAST_SHARE = 5, 0.01
"""Rows in a language, and their share of all, from which a card names it; the most frequent one is always named."""
_RESPONSIBILITY = """## Whose responsibility it is

{who}. A model trained on it is less inclined to decline;
it is not safer, and not more often right. Put a layer of your own in front of a model that you serve, and tell the people
who download it what was removed.
"""


def languages_of(facts: Mapping[str, Any]) -> list[str] | None:
    """Return the languages of the rows as the hub's metadata names them, without those of a few rows, which are mostly wrong
    guesses; None where none is known.
    """
    rows = facts.get("languages") or {}
    known = {name: count for name, count in rows.items() if _LANGUAGE.fullmatch(name) and name != "und"}
    fewest = max(_FEWEST_ROWS, _LEAST_SHARE * sum(rows.values()))
    most = max(known.values(), default=0)
    return sorted(name for name, count in known.items() if count >= min(fewest, most)) or None


def policy_named(policy: Mapping[str, Any]) -> str:
    """Return a policy's name, version and the beginning of its hash."""
    name, version, sha256 = policy_parts(policy)
    return f"{code(name)}, version {code(version)}" + (f", SHA-256 {code(sha256)}" if sha256 else "")


def responsibility(who: str) -> str:
    """Return the part that says who answers; `who` is the sentence that names them."""
    return _RESPONSIBILITY.format(who=who)


def evaluation_part(facts: Mapping[str, Any]) -> list[str]:
    """Return what models that were trained on the data answer, if they were asked."""
    evaluation = (
        shown_evaluation(facts) if (facts.get("evaluation") or {}).get("over_seeds") else facts.get("evaluation")
    )
    if not evaluation:
        return []
    seen = seen_in_training(facts)
    lines = [
        [
            code(rate["model"]),
            code(rate["persona"]),
            code(rate["group"]),
            f"{whole(rate['refusals'])} of {whole(rate['n'])}{f' ({odd})' if (odd := odd_answers(rate)) else ''}",
            "too few"
            if rate["rate"] is None
            else f"{share(rate['rate'])} ({share(rate['low'])} to {share(rate['high'])})",
        ]
        for rate in evaluation["rates"]
    ]
    return [
        "## What models trained on it answer\n",
        table(["model", "persona", "questions", "refused", "rate"], lines),
        *(f"{said}\n" for said in odd_answers_mean(evaluation)),
        *_over_seeds(evaluation),
        *_paired(evaluation.get("paired") or []),
        *([f"{said}\n"] if (said := one_seed(evaluation)) else []),
        f"Judge: {code(evaluation['judge'])}. The same questions to every model. {plain_text(seen)}".rstrip() + "\n",
    ]


def _over_seeds(evaluation: Mapping[str, Any]) -> list[str]:
    told = evaluation.get("over_seeds")
    if not told:
        return []
    lines = [
        [f"{code(row['a'])}, {code(row['b'])}", code(row["persona"]), code(row["group"]), difference_said(row)]
        for row in told["differences"]
    ]
    columns = ["pair", "persona", "questions", "the first refuses more by"]
    return [f"{seeds_said(evaluation)}\n", *([table(columns, lines)] if lines else [])]


_PAIR_COLUMNS = ("pair", "persona", "questions", "only the first refuses", "only the second")


def _paired(pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    if not pairs:
        return []
    lines = [
        [
            f"{code(pair['a'])}, {code(pair['b'])}",
            code(pair["persona"]),
            code(pair["group"]),
            whole(pair["only_a"]),
            whole(pair["only_b"]),
            signed_p(pair["p_value"]),
            signed_p(pair.get("p_holm")),
        ]
        for pair in pairs
    ]
    return [
        table(
            [*_PAIR_COLUMNS, "p (McNemar, exact)", "p, corrected (Holm)"],
            lines,
        ),
        "Corrected are whole suites for all rows of whole suites, and groups for all rows of groups.\n",
    ]
