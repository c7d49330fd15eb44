"""From facts to cards: the data set's README.md and a model's, with the metadata that the Hugging Face hub reads.

The cards hold numbers and names, no text from the data: they are what strangers see first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unmoor.records import BEHAVIOURS, FLOOR_TOPICS
from unmoor.report.headline import (
    HASH_CHARS,
    completed,
    difference_said,
    odd_answers,
    odd_answers_mean,
    one_seed,
    policies_of,
    seeds_said,
    seen_in_training,
    shown_evaluation,
    twins_differ,
)
from unmoor.report.visible import plain, share, signed_p, whole
from unmoor.run_folder import write_atomic

__all__ = ["render_dataset_card", "write_dataset_card", "write_model_card"]

CARD = "README.md"
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
)
_TAGS = ["unmoor", "instruction-tuning", "refusal", "over-refusal"]
_NAME_CHARS = 160
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_OWNER = """## Whose responsibility it is

{who}. A model trained on it is less inclined to decline;
it is not safer, and not more often right. Put a layer of your own in front of a model that you serve, and tell the people
who download it what was removed.
"""
_DATA_OWNER = "The owner of this data set chose the policy above and answers for what is made of it"
_MODEL_OWNER = "The owner of this model chose its data and answers for what is made of it"


def write_dataset_card(facts: Mapping[str, Any], folder: Path, data_format: str = "jsonl") -> Path:
    """Write README.md for the run in `folder`, naming its kept.* and removed.* files; return its path."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if not any(name.startswith("kept.") for name in names):
        names = [f"kept.{data_format}", f"removed.{data_format}"]
    write_atomic(folder / CARD, render_dataset_card(facts, names))
    return folder / CARD


def render_dataset_card(facts: Mapping[str, Any], names: Sequence[str], licence: str = "") -> bytes:
    """Return the data set card as bytes of Markdown; `names` are its files, `licence` the input's as the hub writes it."""
    from huggingface_hub import DatasetCardData

    whole_facts = completed(facts)
    kept = whole_facts["counts"].get("input", 0) - sum(
        whole_facts["counts"].get(name, 0) for name in ("removed", "quarantined", "blank")
    )
    metadata = DatasetCardData(
        pretty_name=f"{_plain_name(whole_facts['input'].get('path', 'data'))}, filtered by unmoor",
        language=sorted(code for code in whole_facts["languages"] if _LANGUAGE.fullmatch(code) and code != "und")
        or None,
        task_categories=["text-generation"],
        tags=_TAGS,
        size_categories=[next((size for most, size in _SIZES if kept < most), "n>1T")],
        configs=_configs(names, {"kept": kept, "removed": whole_facts["counts"].get("removed", 0)}) or None,
        license=licence or "other",
    )
    parts = [f"---\n{metadata.to_yaml()}\n---\n", *_dataset_parts(whole_facts, kept, names, licence)]
    return ("\n".join(parts).rstrip() + "\n").encode("utf-8", "replace")


def _configs(names: Sequence[str], rows: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return a config for the kept rows, the default, and one for the removed ones, where the run has such rows: one without a row
    is refused by whoever loads it.
    """
    found = [(part, name) for part in rows if rows[part] for name in names if name.startswith(f"{part}.")]
    return [
        {
            "config_name": part,
            "data_files": [{"split": "train", "path": name}],
            **({"default": True} if part == "kept" else {}),
        }
        for part, name in found
    ]


def _dataset_parts(facts: Mapping[str, Any], kept: int, names: Sequence[str], licence: str) -> list[str]:
    """Return the parts of the card's text."""
    source, policy, headline = facts["input"], facts["policy"] or {}, facts["headline"]
    refusals = facts["refusals"]
    title = _code(source.get("path", "data"))
    duplicates = facts["duplicates"]["rows"]
    gone = "Every removed row lies in `removed.*`" if facts["counts"].get("removed", 0) else "No row was removed"
    intro = (
        f"{_stay(kept)} of {whole(facts['counts'].get('input', 0))}. In the input, {_counted(refusals['rows'], 'row')} "
        f"({share(refusals['share'])}) declined what was asked. {gone}"
        f"{', and `ledger.jsonl` says why' if 'ledger.jsonl' in names else ''}."
    )
    return [
        f"# {title}, filtered by unmoor\n",
        f"{intro}\n",
        *_layouts_part(source.get("mixed_layouts") or {}),
        "The licence of the input holds for what stays"
        + (".\n" if licence else "; `license: other` above is for you to replace with it.\n"),
        "## What was done\n",
        _table(
            ["outcome", "rows", "share"],
            [[p["outcome"], whole(p["rows"]), share(p["share"])] for p in headline["done"]["funnel"]],
        )
        if headline["done"]
        else "",
        f"{_duplicates(duplicates)}Policy {_policy(policy)}. {_floor(facts)}{_own_word(policy)}\n",
        "## What was found\n",
        _behaviours(facts),
        "A row counts for what it shows as likely as not or more, outside of reasoning. Ranges are 95% Wilson intervals. They "
        "cover chance, not the mistakes of the detectors. The policy acts on what reaches its threshold, the probability after its "
        "action; the other rows are under it, or left alone as an honest inability, by a rule, an exception or the floor.\n",
        *_people_part(facts.get("people")),
        *_collateral_part(facts.get("collateral")),
        "## Files\n",
        "\n".join(f"- `{name}`: {_file_said(name)}" for name in names if name.split(".")[0] in _FILES) + "\n",
        *_evaluation_part(facts),
        "## How to make it again\n",
        _fenced(facts["reproduce"]),
        *(
            ["It takes what people judged too, which lies in the run's folder `review` and is not published.\n"]
            if facts.get("people")
            else []
        ),
        f"Input: {title}{_revision(source)}, SHA-256 {_hash(source)}. unmoor {_plain_name(facts['unmoor'])}.\n",
        _OWNER.format(who=_DATA_OWNER),
    ]


def _layouts_part(layouts: Mapping[str, int]) -> list[str]:
    """Return what who loads the rows has to know where they are in several layouts."""
    told = ", ".join(f"{_code(name)} {whole(rows)}" for name, rows in layouts.items())
    words = "`datasets` may refuse to load what stays as one table. Read it as JSON, row by row."
    return [f"The input's rows are in several layouts ({told}): {words}\n"] if layouts else []


def _revision(source: Mapping[str, Any]) -> str:
    return f" at commit {_code(source['revision'])} of the hub" if source.get("revision") else ""


def _hash(source: Mapping[str, Any]) -> str:
    return _code(source["sha256"]) if source.get("sha256") else _plain_name(source.get("no_sha256") or "unknown")


_FILES = {
    "kept": "what stays, untouched rows byte for byte",
    "removed": "what was taken out, complete",
    "quarantine": "rows that could not be read, with the reason",
    "ledger": "every decision that changed anything, with its evidence",
    "report": "the same figures and more, to read (HTML) and to compute with (JSON)",
    "policy": "the policy, as it was",
    "review": "rows that wait for a person",
}


def _file_said(name: str) -> str:
    said = _FILES[name.split(".", maxsplit=1)[0]]
    return said.replace("byte for byte", "each value as it was") if name.endswith(".parquet") else said


def _duplicates(rows: int) -> str:
    """Return how many of the removed rows no policy took."""
    stands = f"another row stands for {'it' if rows == 1 else 'them'}"
    return f"Of the removed rows, {whole(rows)} went since {stands}. " if rows else ""


def _floor(facts: Mapping[str, Any]) -> str:
    topics = [*FLOOR_TOPICS, *((facts["policy"] or {}).get("floor") or {}).get("also", [])]
    return (
        f"Refusals of requests on topics of the floor ({', '.join(_code(topic) for topic in topics)}) are never removed: "
        f"{_stay(facts['floor']['rows'])} for that reason."
    )


def _own_word(policy: Mapping[str, Any]) -> str:
    """Return what the owner's policy says of single rules and of phrases."""
    rules, phrases = policy.get("rules") or {}, (policy.get("except") or {}).get("phrases") or ()
    by_rule = ", ".join(f"{_code(rule)} {_plain_name(action)}" for rule, action in rules.items())
    excepted = ", ".join(map(_code, phrases))
    return (f" By rule: {by_rule}." if rules else "") + (
        f" Left alone, whatever is found in the same sentence: {excepted}." if phrases else ""
    )


def _funnel(done: Mapping[str, Any] | None) -> str:
    parts = done["funnel"] if done else []
    return _table(["outcome", "rows", "share"], [[p["outcome"], whole(p["rows"]), share(p["share"])] for p in parts])


def _behaviours(facts: Mapping[str, Any]) -> str:
    actions = (facts["policy"] or {}).get("actions", {})
    lines = [
        [
            f"{_code(name)}: {BEHAVIOURS.get(name, 'matches a list')}",
            whole(item["rows"]),
            f"{share(item['share'])} ({share(item['low'])} to {share(item['high'])})" if item["rows"] else "0%",
            *_acting(actions.get(name, "keep"), item),
        ]
        for name, item in facts["behaviours"].items()
    ]
    return _table(["behaviour", "rows", "share", "policy", "acted on"], lines)


def _acting(action: str, item: Mapping[str, Any]) -> list[str]:
    """Return what the policy does about a behaviour, from which probability, and in how many rows it did."""
    if "acted_rows" not in item:
        return [_code(action), "-"]
    is_kept = action == "keep"
    threshold = "" if is_kept else f" from {item['threshold']:.2f}"
    return [f"{_code(action)}{threshold}", "-" if is_kept and not item["acted_rows"] else whole(item["acted_rows"])]


def _people_part(people: Mapping[str, Any] | None) -> list[str]:
    """Return what people judged, what came of it, and how often the detectors were right where that is known."""
    if not people:
        return []
    said = ", ".join(f"{whole(findings)} {word}" for word, findings in people["verdicts"].items())
    who = "1 person" if people["people"] == 1 else f"{whole(people['people'])} people"
    otherwise = [part for part in people["outcomes"] if part["was"] != part["is"]]
    moved = ", ".join(f"{whole(part['rows'])} {part['was']} → {part['is']}" for part in otherwise)
    same = people["rows"] - sum(part["rows"] for part in otherwise)
    lines = [
        [
            _code(name),
            "-" if item["findings"] is None else whole(item["findings"]),
            whole(item["judged"]),
            whole(item["right"]),
            "not known"
            if item["precision"] is None
            else f"{share(item['precision'])} ({share(item['low'])} to {share(item['high'])})",
        ]
        for name, item in people["behaviours"].items()
    ]
    missed = people["missed"]
    return [
        "## What people judged\n",
        f"{who} judged {_counted(people['findings'], 'finding')} in {_counted(people['rows'], 'row')}"
        f"{f' ({said})' if said else ''}; the last word on each stands over the detectors', also in the figures above. "
        f"What became of these rows, against what the policy alone does: {f'{moved}, ' if moved else ''}{whole(same)} the same.\n",
        *([_table(["behaviour", "findings", "judged", "right", "precision"], lines), _PRECISION] if lines else []),
        *([_missed(missed)] if missed else []),
    ]


_PRECISION = (
    "Precision is the share of right ones among all findings, those under the policy's thresholds too, with its 95% Wilson "
    "interval. It is not known where the judged ones are neither all nor a whole random sample.\n"
)


def _missed(missed: Mapping[str, Any]) -> str:
    return (
        f"Of {_counted(missed['rows'], 'row')} kept with nothing found, {whole(missed['judged'])} drawn at random were read; "
        f"people found something in {whole(missed['missed'])} ({share(missed['low'])} to {share(missed['high'])}).\n"
    )


def _collateral_part(collateral: Mapping[str, Any] | None) -> list[str]:
    """Return what else went: counts only, for the words come from the data."""
    if not collateral:
        return []
    words, named = collateral["terms_tested"], collateral["terms_named"]
    groups, count = collateral["clusters"]["groups"], len(collateral["clusters"]["named"])
    heading = "## What else went with it\n"
    if not words and not groups:
        return [heading, "Too few rows were removed to say anything about topics.\n"]
    sides = [
        *([f"{_counted(named, 'word') if named else 'no word'} of the requests"] if words else []),
        *([f"{_counted(count, 'group') if count else 'no group'} of alike requests"] if groups else []),
    ]
    who = " and ".join(sides)
    tested = " and ".join(_counted(number, noun) for number, noun in ((words, "word"), (groups, "group")) if number)
    lost = "lost more rows than chance would take" + (": `report.html` names them" if named or count else "")
    few = "" if words else " Too few rows were removed to say anything about single words."
    return [heading, f"{who[0].upper()}{who[1:]} {lost} ({tested} tested, corrected for that).{few}\n"]


def _stay(rows: int) -> str:
    return f"{_counted(rows, 'row')} {'stays' if rows == 1 else 'stay'}"


def _counted(count: int, noun: str) -> str:
    return f"{whole(count)} {noun}{'' if count == 1 else 's'}"


def _evaluation_part(facts: Mapping[str, Any]) -> list[str]:
    evaluation = (
        shown_evaluation(facts) if (facts.get("evaluation") or {}).get("over_seeds") else facts.get("evaluation")
    )
    if not evaluation:
        return []
    seen = seen_in_training(facts)
    lines = [
        [
            _code(rate["model"]),
            _code(rate["persona"]),
            _code(rate["group"]),
            f"{whole(rate['refusals'])} of {whole(rate['n'])}{f' ({odd})' if (odd := odd_answers(rate)) else ''}",
            "too few"
            if rate["rate"] is None
            else f"{share(rate['rate'])} ({share(rate['low'])} to {share(rate['high'])})",
        ]
        for rate in evaluation["rates"]
    ]
    return [
        "## What models trained on it answer\n",
        _table(["model", "persona", "questions", "refused", "rate"], lines),
        *(f"{said}\n" for said in odd_answers_mean(evaluation)),
        *_over_seeds(evaluation),
        *_paired(evaluation.get("paired") or []),
        *([f"{said}\n"] if (said := one_seed(evaluation)) else []),
        f"Judge: {_code(evaluation['judge'])}. The same questions to every model. {_plain_text(seen)}".rstrip() + "\n",
    ]


def _over_seeds(evaluation: Mapping[str, Any]) -> list[str]:
    told = evaluation.get("over_seeds")
    if not told:
        return []
    lines = [
        [f"{_code(row['a'])}, {_code(row['b'])}", _code(row["persona"]), _code(row["group"]), difference_said(row)]
        for row in told["differences"]
    ]
    table = [_table(["pair", "persona", "questions", "the first refuses more by"], lines)] if lines else []
    return [f"{seeds_said(evaluation)}\n", *table]


_PAIR_COLUMNS = ("pair", "persona", "questions", "only the first refuses", "only the second")


def _paired(pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    if not pairs:
        return []
    lines = [
        [
            f"{_code(pair['a'])}, {_code(pair['b'])}",
            _code(pair["persona"]),
            _code(pair["group"]),
            whole(pair["only_a"]),
            whole(pair["only_b"]),
            signed_p(pair["p_value"]),
            signed_p(pair.get("p_holm")),
        ]
        for pair in pairs
    ]
    return [
        _table(
            [*_PAIR_COLUMNS, "p (McNemar, exact)", "p, corrected (Holm)"],
            lines,
        ),
        "Corrected are whole suites for all rows of whole suites, and groups for all rows of groups.\n",
    ]


def write_model_card(facts: Mapping[str, Any], folder: Path, model: str) -> Path:
    """Write README.md for the twin `model` into its `folder`; return its path."""
    from huggingface_hub import ModelCardData

    whole_facts = completed(facts)
    training = whole_facts.get("training") or {"twins": {}, "recipe": "unknown", "base": "unknown"}
    languages = sorted(
        code for code in whole_facts.get("languages") or {} if _LANGUAGE.fullmatch(code) and code != "und"
    )
    metadata = ModelCardData(
        language=languages or None,
        tags=_TAGS,
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
    names = ("rows_trained", "tokens_trained", "steps")
    lines = [[name.replace("_", " "), whole(twin.get(name))] for name in names]
    policy = facts.get("policy") or {}
    return [
        f"# {_code(model)}, one of twins\n",
        f"Trained from {_code(training['base'])} by recipe {_code(Path(training['recipe']).name)}. {_twins(training)}\n",
        _table(["trained on", "count"], lines),
        f"The filtered data was made with policy {_made_with(facts)}.\n" if policy else "",
        *_evaluation_part(facts),
        "## How to make it again\n",
        _fenced(facts["reproduce"]),
        _OWNER.format(who=_MODEL_OWNER),
    ]


def _policy(policy: Mapping[str, Any]) -> str:
    name, version = policy.get("shown_name", policy.get("name", "none")), policy.get("version", "-")
    sha256 = str(policy.get("sha256") or "")[:HASH_CHARS]
    return f"{_code(name)}, version {_code(version)}" + (f", SHA-256 {_code(f'{sha256}…')}" if sha256 else "")


def _made_with(facts: Mapping[str, Any]) -> str:
    """Return the policy of the filtered data, or each with the twins that had its data where there are several."""
    policies = policies_of(facts)
    if len(policies) < 2:
        return _policy(facts["policy"])
    return " and ".join(f"{_code(policy)} for {', '.join(map(_code, twins))}" for policy, twins in policies.items())


def _twins(training: Mapping[str, Any]) -> str:
    names = list(training["twins"])
    if len(names) < 2:
        return "It was trained alone: there is no twin to compare it with."
    return f"It is one of {', '.join(map(_code, names))}. {twins_differ(training)}"


def _table(head: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *["--:"] * (len(head) - 1)] if head[0] != "pair" else ["---"] * len(head)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *lines]) + "\n"


def _plain_name(text: object) -> str:
    """Return a name on one line, without characters that mean something in Markdown, HTML or YAML."""
    return _plain_text(text)[:_NAME_CHARS]


def _plain_text(text: object) -> str:
    """Return a text on one line, without characters that mean something in Markdown, HTML or YAML."""
    shown = " ".join(plain(text).split())
    return "".join(character for character in shown if character.isprintable() and character not in '`<>|[]\\&"')


def _code(text: object) -> str:
    return f"`{_plain_name(text) or '-'}`"


def _fenced(commands: Sequence[str]) -> str:
    safe = "\n".join(" ".join(plain(command).split()).replace("```", "") for command in commands)
    return f"```sh\n{safe}\n```\n"
