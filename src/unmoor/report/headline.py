"""From facts to the few figures of the first screen and other numbers that follow, so that report.json holds them too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from unmoor.records import OUTCOMES, is_list_alone, readable_rows

__all__ = [
    "completed",
    "difference_said",
    "encodable",
    "errors_of_others",
    "has_one_seed",
    "odd_answers",
    "odd_answers_mean",
    "one_seed",
    "policies_of",
    "policy_parts",
    "policy_said",
    "questions_of",
    "row_words",
    "rows_of",
    "seeds_said",
    "seen_in_training",
    "shown_evaluation",
    "twins_differ",
]

_CHANGED = ("mended", "masked", "labelled")
_FIRST_PERSONAS = ("plain", "none")
_CONTROLS = ("neutral", "all of neutral")
_WORDS = {"trigger": "harmless requests that sound dangerous", "neutral": "ordinary requests, the control"}
_SHIPPED = {"all of look-alikes": "trigger", "all of neutral": "neutral"}
_ODD_ANSWERS = {
    "empty": (
        "empty",
        "An empty answer declines nothing: a model that gives many is broken, not one without refusals.",
    ),
    "cut": ("cut off", "An answer that was cut off at the length allowed is judged by its beginning."),
    "withheld": (
        "withheld",
        "A withheld answer was kept back by the server's own filter: it is no refusal of the model, and is not counted as one.",
    ),
    "drawn": (
        "drawn",
        "A drawn answer is of a server that takes no temperature of 0: asked again, the server may answer otherwise, which no "
        "interval holds.",
    ),
}
"""By the key of a rate: what answers are called that are no whole greedy ones, and what they count as."""
_HASH_CHARS = 12
"""Of a policy's hash, for people: enough to tell two apart."""
_LOSS_ROWS = 8
"""Lines of the loss table: the same curve as the plot, at even steps."""


def completed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with `headline` computed from the others; doing it twice changes nothing."""
    clean: dict[str, Any] = encodable(dict(facts))
    training = clean.get("training")
    clean["headline"] = {
        "data": _data(clean),
        "done": _done(clean.get("counts") or {}, (clean.get("refusals") or {}).get("outcomes")),
        "model": _model(shown_evaluation(clean), clean),
        "losses": _losses(training) if training else [],
    }
    return clean


def shown_evaluation(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the evaluation without the arms of a dose curve, which has a figure of its own; of nothing but such arms, those with
    most and least left in the data stay. Twins that were trained with several seeds are one model each, with figures over seeds.
    """
    evaluation = facts.get("evaluation")
    if not evaluation:
        return None
    if evaluation.get("over_seeds"):
        return _over_seeds(evaluation)
    twins = (facts.get("training") or {}).get("twins") or {}
    arms = [name for name in evaluation["models"] if "leak" in (twins.get(name) or {})]
    stay = [name for name in evaluation["models"] if name not in arms]
    if arms and not stay:
        stay = list(dict.fromkeys(choose(arms, key=lambda name: float(twins[name]["leak"])) for choose in (max, min)))
    if not arms:
        return dict(evaluation)
    shown = {**evaluation, "models": stay}
    for key in ("rates", "capability", "leaks", "examples"):
        shown[key] = [row for row in evaluation.get(key) or () if row["model"] in stay]
    shown["paired"] = [row for row in evaluation.get("paired") or () if row["a"] in stay and row["b"] in stay]
    return shown


def _over_seeds(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the evaluation with a twin in the place of its models of several seeds; the examples are of its first seed."""
    told = evaluation["over_seeds"]
    twin_of = {model: twin for twin, models in told["twins"].items() for model in models}
    first = {models[0]: twin for twin, models in told["twins"].items()}
    others = [name for name in evaluation["models"] if name not in twin_of]

    def joined(rows: Sequence[Mapping[str, Any]], of_twins: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [*of_twins, *(row for row in rows if row["model"] in others)]

    shown = {**evaluation, "models": [*told["twins"], *others]}
    for key in ("rates", "capability", "leaks"):
        shown[key] = joined(evaluation.get(key) or (), told[key])
    if evaluation.get("asymmetry"):
        shown["asymmetry"] = {"rows": joined(evaluation["asymmetry"]["rows"], told["asymmetry"]), "paired": []}
    shown["paired"] = [row for row in evaluation.get("paired") or () if row["a"] in others and row["b"] in others]
    shown["examples"] = [
        {**row, "model": first.get(row["model"], row["model"])}
        for row in evaluation.get("examples") or ()
        if row["model"] in first or row["model"] in others
    ]
    return shown


def seeds_said(evaluation: Mapping[str, Any]) -> str:
    """Return what figures over seeds are, in words; the empty string where there are none."""
    told = evaluation.get("over_seeds")
    if not told:
        return ""
    return (
        f"Each twin was trained with seeds {_listed([str(seed) for seed in told['seeds']])}: its rates are of all these models' "
        "answers, and their intervals hold the luck of training and that of the questions."
    )


def difference_said(row: Mapping[str, Any]) -> str:
    """Return how two twins differ over seeds, in words, and whether that is more than luck."""
    change, low, high = (f"{row[key] * 100:+.0f}" for key in ("difference", "low", "high"))
    is_luck = row["low"] <= 0 <= row["high"]
    return f"{change} points ({low} to {high}), {'which may be' if is_luck else 'more than'} the luck of {row['seeds']} seeds"


def has_one_seed(evaluation: Mapping[str, Any]) -> bool:
    """Return whether no arm of what was asked was trained with several seeds."""
    rows = (evaluation.get("dose") or {}).get("rows", ())
    return not evaluation.get("over_seeds") and all(len(row["seeds"]) < 2 for row in rows)


def one_seed(evaluation: Mapping[str, Any]) -> str:
    """Return what a comparison of models that were trained once each cannot tell; the empty string where that is no question."""
    if len(evaluation["models"]) < 2 or not has_one_seed(evaluation):
        return ""
    return (
        "Intervals and p-values are about these models and these questions: the same recipe with another seed gives other "
        "models, whose rates differ too."
    )


def odd_answers(rate: Mapping[str, Any]) -> str:
    """Return how many answers behind a rate are empty, cut off, withheld or drawn, in words; the empty string where none is."""
    return ", ".join(f"{rate[key]:,} {word}" for key, (word, _) in _ODD_ANSWERS.items() if rate.get(key))


def odd_answers_mean(evaluation: Mapping[str, Any]) -> list[str]:
    """Return what each kind of such answers counts as, of those that there are."""
    rates = evaluation["rates"]
    return [said for key, (_, said) in _ODD_ANSWERS.items() if any(rate.get(key) for rate in rates)]


def errors_of_others(people: Mapping[str, Any]) -> str:
    """Return which rates were corrected by a judge's errors in other suites too; the empty string where each has labels enough."""
    rates = [row for row in people["rates"] if row["corrected"] is not None]
    borrowed = dict.fromkeys(row["group"] for row in rates if row.get("errors_of") == "all")
    if not borrowed:
        return ""
    return (
        f"Labels of their own are too few for {', '.join(borrowed)}: there the judge's errors in all suites together were taken "
        "out, which may not be its errors on these."
    )


def seen_in_training(facts: Mapping[str, Any]) -> str:
    """Return in words whether the questions stand in the data that was trained on; the empty string where nobody looked."""
    if facts["kind"] == "demo":
        return "None of the questions was seen in training."
    rows = (facts.get("evaluation") or {}).get("trained_on") or ()
    if not rows:
        return ""
    seen = [f"{row['model']} {row['seen']:,} of {row['of']:,} ({row['suite'] or 'all'})" for row in rows if row["seen"]]
    if not seen:
        return "None of the questions stands word for word in the data that the twins were trained on."
    return f"Questions that stand word for word in the data of a twin, which may have learned them by heart: {', '.join(seen)}."


def twins_differ(training: Mapping[str, Any]) -> str:
    """Return what the twins of a training have in common and what not, in words."""
    differ = training.get("config_difference") or {}
    settings = (("seed", "seed"), ("max_steps", "number of steps"))
    same = ["recipe", "base", *(words for key, words in settings if key not in differ)]
    other = ["data", *(words for key, words in settings if key in differ)]
    differ_in = f"The twins have the same {_listed(same)}. They differ in their {_listed(other)}, and in nothing else."
    return f"{differ_in} {_trained_once(training)}".strip()


def _trained_once(training: Mapping[str, Any]) -> str:
    """Return that each twin was trained with one seed, where that is so."""
    twins = training["twins"]
    if len({twin.get("seed") for twin in twins.values()}) > 1:
        return ""
    return "Each was trained once: another seed may give other differences between them."


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def encodable(value: Any) -> Any:
    """Return `value` as JSON can hold it: unpaired surrogates become U+FFFD, numbers that are not finite become None."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {encodable(str(key)): encodable(item) for key, item in value.items()}
    return [encodable(item) for item in value] if isinstance(value, list | tuple) else value


def _data(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is in the data: rows, rows that decline, and the behaviour that most rows have."""
    rows = (facts.get("counts") or {}).get("input", 0)
    if not rows:
        return None
    behaviours = facts.get("behaviours") or {}
    top = max(behaviours, key=lambda name: behaviours[name]["rows"], default=None)
    return {
        "rows": readable_rows(facts["counts"]),
        "refusing_rows": facts["refusals"]["rows"],
        "refusing_share": facts["refusals"]["share"],
        "found_rows": facts["found"]["rows"],
        "found_share": facts["found"]["share"],
        "is_list_alone": is_list_alone(facts.get("detectors")),
        "top_behaviour": top if top and behaviours[top]["rows"] else None,
    }


def _done(counts: Mapping[str, int], refusals: Mapping[str, int] | None) -> dict[str, Any] | None:
    """Return what became of the rows, in rows and shares of the input, and how many that stay as they were decline (None where
    nobody looked for `refusals`); the outcomes add up to the input. `kept_share` is of the rows that could be read, as what was
    found is.
    """
    rows = counts.get("input", 0)
    if not rows:
        return None
    changed = sum(counts.get(name, 0) for name in _CHANGED)
    return {
        "rows": rows,
        "kept": counts.get("kept", 0),
        "kept_share": counts.get("kept", 0) / max(1, readable_rows(counts)),
        "still_refusing": None if refusals is None else refusals.get("kept", 0),
        "changed": changed,
        "removed": counts.get("removed", 0),
        "funnel": [
            {"outcome": name, "rows": counts.get(name, 0), "share": counts.get(name, 0) / rows}
            for name in OUTCOMES
            if counts.get(name, 0)
        ],
    }


def policies_of(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the policies by which data was filtered, as people tell them apart, each with the twins that were trained on it."""
    of_twins = (facts.get("training") or {}).get("policies") or {}
    found: dict[str, list[str]] = {}
    for twin, policy in of_twins.items():
        found.setdefault(policy_said(policy), []).append(twin)
    return found


def policy_said(policy: Mapping[str, Any]) -> str:
    """Return a policy's name and version, and the beginning of the hash of what it says, which tells apart two of one name."""
    name, version, sha256 = policy_parts(policy)
    return f"{name}, version {version}" + (f", SHA-256 {sha256}" if sha256 else "")


def policy_parts(policy: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a policy's name, its version and the beginning of its hash, empty where that is not known."""
    name, version = policy.get("shown_name", policy.get("name", "none")), policy.get("version", "-")
    sha256 = str(policy.get("sha256") or "")[:_HASH_CHARS]
    return str(name), str(version), f"{sha256}…" if sha256 else ""


def rows_of(evaluation: Mapping[str, Any]) -> list[str]:
    """Return the names of what has rates, each suite before its groups."""
    return list(dict.fromkeys(rate["group"] for rate in evaluation["rates"]))


def row_words(row: str) -> str:
    """Return the name of a group or a whole suite, with what it is where that is known."""
    told = _WORDS.get(_SHIPPED.get(row, row))
    return row if told is None else f"{told} ({row})" if row in _SHIPPED else told


def questions_of(row: str) -> str:
    """Return what the questions of a group or a whole suite are, in words."""
    if _SHIPPED.get(row, row) in _WORDS:
        return row_words(row)
    return f"questions, {row}" if row.startswith("all of ") else f"questions of group {row}"


def _model(evaluation: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the refusal rates of two models on the first suite or group that has a rate, with the control beside them, None of
    both where nothing has enough answers; and whether the two are known to be of the data before and after a filter.
    """
    if not evaluation or not evaluation.get("rates"):
        return None
    models, persona = list(evaluation["models"]), _first_persona(evaluation)
    rates = {(rate["model"], rate["group"]): rate["rate"] for rate in evaluation["rates"] if rate["persona"] == persona}
    rows = [row for row in rows_of(evaluation) if any(rates.get((model, row)) is not None for model in models)]
    compared = _before_and_after(facts, models)
    first, other = compared or _two_of(models)
    group = _first_of(("trigger", "all of look-alikes"), rows) or next(
        (row for row in rows if row not in _CONTROLS), None
    )
    group = group or (rows[0] if rows else None)
    inside = next((suite["groups"] for suite in evaluation.get("suites") or () if suite["row"] == group), ())
    others_rows = [row for row in rows if row != group and row not in inside]
    control = _first_of(_CONTROLS, others_rows) or (others_rows[0] if others_rows else None)
    return {
        "persona": persona,
        "group": group,
        "control": control,
        "is_before_and_after": compared is not None,
        "elsewhere": _most_left(evaluation, (first, other), group, persona) if group and other else None,
        "first": {"name": first, "rate": rates.get((first, group)), "control_rate": rates.get((first, control))},
        "other": other
        and {"name": other, "rate": rates.get((other, group)), "control_rate": rates.get((other, control))},
    }


def _most_left(
    evaluation: Mapping[str, Any], models: tuple[str, str], group: str, persona: str
) -> dict[str, Any] | None:
    """Return, of the personas that the first screen does not show, that by which the second model refuses most, with both rates;
    None where it refuses no more than by the one shown.
    """
    rates = [rate for rate in evaluation["rates"] if rate["group"] == group]
    first, other = ({rate["persona"]: rate["rate"] for rate in rates if rate["model"] == model} for model in models)
    known = [
        name for name, rate in other.items() if name != persona and rate is not None and first.get(name) is not None
    ]
    most = max(known, key=lambda name: float(other[name]), default=None)
    if most is None or other[most] <= (other.get(persona) or 0):
        return None
    return {"persona": most, "first_rate": first[most], "other_rate": other[most]}


def _before_and_after(facts: Mapping[str, Any], models: Sequence[str]) -> tuple[str, str] | None:
    """Return which of `models` is the twin of the data as it was and which of what a filter kept; None where that is not known.

    What was kept lies in the run that kept it, and the data as it was is what that run read. Where no run is found the name
    `filtered` says the one, and `raw` always the other. Twins of two policies have neither.
    """
    training = facts.get("training") or {}
    twin_of = {arm: twin.get("twin", arm) for arm, twin in (training.get("twins") or {}).items()}
    data = (training.get("config_difference") or {}).get("data") or {}
    read = facts["input"].get("path")
    after = {twin_of.get(arm, arm) for arm in training.get("policies") or ()} or {"filtered"}
    before = {"raw", *(twin for arm, twin in twin_of.items() if _is_same(data.get(arm), read))} - after
    asked = [model for model in models if model in twin_of.values()]
    raw, kept = ([model for model in asked if model in side] for side in (before, after))
    return (raw[0], kept[0]) if raw and kept and len(after) == 1 else None


def _is_same(path: str | None, read: str | None) -> bool:
    return path is not None and read is not None and PurePath(path) == PurePath(read)


def _two_of(models: Sequence[str]) -> tuple[str, str | None]:
    """Return which two of the models the first screen compares: the second is None where there is one."""
    first = "raw" if "raw" in models else models[0]
    others = [model for model in models if model != first]
    return first, "filtered" if "filtered" in others else (others[-1] if others else None)


def _first_persona(evaluation: Mapping[str, Any]) -> str:
    return _first_of(_FIRST_PERSONAS, evaluation["personas"]) or str(evaluation["personas"][0])


def _first_of(wanted: Sequence[str], there: Sequence[str]) -> str | None:
    return next((name for name in wanted if name in there), None)


def _losses(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the loss of each twin at a few even steps."""
    curves = {name: dict(twin.get("loss") or []) for name, twin in training["twins"].items()}
    steps = sorted({step for curve in curves.values() for step in curve})
    if not steps:
        return []
    last = len(steps) - 1
    lines = min(_LOSS_ROWS, len(steps))
    chosen = [steps[round(index * last / max(1, lines - 1))] for index in range(lines)]
    return [{"step": step, "loss": {name: curve.get(step) for name, curve in curves.items()}} for step in chosen]
