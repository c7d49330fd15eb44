"""From facts to the card of a data set: its README.md, with the metadata that the Hugging Face hub reads.

It holds numbers and names, no text from the data: it is what strangers see first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unmoor.records import BEHAVIOURS, FLOOR_TOPICS, is_list_alone, readable_rows
from unmoor.report.card_parts import TAGS, evaluation_part, languages_of, policy_named, responsibility
from unmoor.report.headline import completed
from unmoor.report.markdown import code, counted, fenced, plain_name, table
from unmoor.report.visible import left_said, share, whole

__all__ = ["render_dataset_card"]

_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
    (10**11, "10B<n<100B"),
    (10**12, "100B<n<1T"),
)
_ALL_TOPICS = "*"
_DATA_OWNER = "The owner of this data set chose the policy above and answers for what is made of it"


def render_dataset_card(facts: Mapping[str, Any], names: Sequence[str], licence: str = "") -> bytes:
    """Return the data set card as bytes of Markdown; `names` are its files, `licence` the input's as the hub writes it."""
    from huggingface_hub import DatasetCardData

    whole_facts = completed(facts)
    kept = whole_facts["counts"].get("input", 0) - sum(
        whole_facts["counts"].get(name, 0) for name in ("removed", "quarantined", "blank")
    )
    source = whole_facts["input"]
    metadata = DatasetCardData(
        pretty_name=f"{plain_name(source.get('called') or source.get('path', 'data'))}, filtered by unmoor",
        language=languages_of(whole_facts),
        task_categories=["text-generation"],
        tags=TAGS,
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


def _declined(facts: Mapping[str, Any]) -> str:
    """Return how many rows declined, and of how many, where refusals were looked for."""
    if is_list_alone(facts["detectors"]):
        return "Nothing but a word list was looked for."
    refusals, readable = facts["refusals"], readable_rows(facts["counts"])
    of = "" if readable == facts["counts"].get("input", 0) else f" of {whole(readable)} that could be read"
    return f"In the input, {counted(refusals['rows'], 'row')} ({share(refusals['share'])}{of}) declined what was asked."


def _dataset_parts(facts: Mapping[str, Any], kept: int, names: Sequence[str], licence: str) -> list[str]:
    """Return the parts of the card's text."""
    source, policy, headline = facts["input"], facts["policy"] or {}, facts["headline"]
    title = code(source.get("path", "data"))
    duplicates = facts["duplicates"]["rows"]
    gone = "Every removed row lies in `removed.*`" if facts["counts"].get("removed", 0) else "No row was removed"
    intro = (
        f"{_stay(kept)} of {whole(facts['counts'].get('input', 0))}. {_declined(facts)} {gone}"
        f"{', and `ledger.jsonl` says why' if 'ledger.jsonl' in names else ''}."
    )
    return [
        f"# {code(source['called']) if 'called' in source else title}, filtered by unmoor\n",
        f"{intro}\n",
        *_layouts_part(source.get("mixed_layouts") or {}),
        "The licence of the input holds for what stays"
        + (".\n" if licence else "; `license: other` above is for you to replace with it.\n"),
        "## What was done\n",
        table(
            ["outcome", "rows", "share"],
            [[p["outcome"], whole(p["rows"]), share(p["share"])] for p in headline["done"]["funnel"]],
        )
        if headline["done"]
        else "",
        f"{_duplicates(duplicates)}Policy {policy_named(policy)}. {_floor(facts)}{_own_word(policy)}\n",
        "## What was found\n",
        _behaviours(facts),
        "A row counts for what it shows as likely as not or more, outside of reasoning. Ranges are 95% Wilson intervals. They "
        "cover chance, not the mistakes of the detectors. The policy acts on what reaches its threshold, the probability after its "
        "action.\n",
        *_people_part(facts.get("people")),
        *_collateral_part(facts.get("collateral")),
        "## Files\n",
        "\n".join(f"- `{name}`: {_file_said(name)}" for name in names if _file_said(name)) + "\n",
        *evaluation_part(facts),
        "## How to make it again\n",
        fenced(facts["reproduce"]),
        *(
            ["It takes what people judged too, which lies in the run's folder `review` and is not published.\n"]
            if (facts.get("people") or {}).get("findings")
            else []
        ),
        f"Input: {title}{_revision(source)}, SHA-256 {_hash(source)}. unmoor {plain_name(facts['unmoor'])}.\n",
        responsibility(_DATA_OWNER),
    ]


def _layouts_part(layouts: Mapping[str, int]) -> list[str]:
    """Return what who loads the rows has to know where they are in several layouts."""
    told = ", ".join(f"{code(name)} {whole(rows)}" for name, rows in layouts.items())
    words = "`datasets` may refuse to load what stays as one table. Read it as JSON, row by row."
    return [f"The input's rows are in several layouts ({told}): {words}\n"] if layouts else []


def _revision(source: Mapping[str, Any]) -> str:
    return f" at commit {code(source['revision'])} of the hub" if source.get("revision") else ""


def _hash(source: Mapping[str, Any]) -> str:
    return code(source["sha256"]) if source.get("sha256") else plain_name(source.get("no_sha256") or "unknown")


_FILES = {
    "kept": "what stays, untouched rows byte for byte",
    "removed": "what was taken out, complete",
    "quarantine": "rows that could not be read, with the reason",
    "ledger": "every decision that changed anything, with its evidence",
    "report.html": "the same figures and more, to read",
    "report.json": "what `report.html` shows, for scripts",
    "policy": "the policy, as it was",
    "review": "rows that wait for a person",
}


def _file_said(name: str) -> str:
    """Return what a file of the run is; the empty string of one that a card does not name."""
    said = _FILES.get(name) or _FILES.get(name.split(".", maxsplit=1)[0], "")
    return said.replace("byte for byte", "each value as it was") if name.endswith(".parquet") else said


def _duplicates(rows: int) -> str:
    """Return how many of the removed rows no policy took."""
    stands = f"another row stands for {'it' if rows == 1 else 'them'}"
    return f"Of the removed rows, {whole(rows)} went since {stands}. " if rows else ""


def _floor(facts: Mapping[str, Any]) -> str:
    also = ((facts["policy"] or {}).get("floor") or {}).get("also", [])
    named = ", ".join(code(topic) for topic in (*FLOOR_TOPICS, *also) if topic != _ALL_TOPICS)
    every = f"{named} and all others that the packs name" if _ALL_TOPICS in also else named
    return (
        f"Refusals of requests on topics of the floor ({every}) are never removed: "
        f"{_stay(facts['floor']['rows'])} for that reason."
    )


def _own_word(policy: Mapping[str, Any]) -> str:
    """Return what the owner's policy says of single rules and of phrases."""
    rules, phrases = policy.get("rules") or {}, (policy.get("except") or {}).get("phrases") or ()
    by_rule = ", ".join(f"{code(rule)} {plain_name(action)}" for rule, action in rules.items())
    excepted = ", ".join(map(code, phrases))
    return (f" By rule: {by_rule}." if rules else "") + (
        f" Left alone, whatever is found in the same sentence: {excepted}." if phrases else ""
    )


def _behaviours(facts: Mapping[str, Any]) -> str:
    actions = (facts["policy"] or {}).get("actions", {})
    lines = [
        [
            f"{code(name)}: {BEHAVIOURS.get(name, 'matches a list')}",
            whole(item["rows"]),
            f"{share(item['share'])} ({share(item['low'])} to {share(item['high'])})" if item["rows"] else "0%",
            *_acting(actions.get(name, "keep"), item),
        ]
        for name, item in facts["behaviours"].items()
    ]
    return table(["behaviour", "rows", "share", "policy", "acted on"], lines)


def _acting(action: str, item: Mapping[str, Any]) -> list[str]:
    """Return what the policy does about a behaviour, from which probability, and in how many rows it did."""
    if "acted_rows" not in item:
        return [code(action), "-"]
    is_kept = action == "keep"
    threshold = "" if is_kept else f" from {item['threshold']:.2f}"
    if is_kept and not item["acted_rows"]:
        return [code(action), "-"]
    left = left_said(item.get("left_rows") or {})
    return [f"{code(action)}{threshold}", whole(item["acted_rows"]) + (f"; of the others {left}" if left else "")]


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
            code(name),
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
    judged = (
        f"{who} judged {counted(people['findings'], 'finding')} in {counted(people['rows'], 'row')}"
        f"{f' ({said})' if said else ''}; the last word on each stands over the detectors', also in the figures above. "
        f"What became of these rows, against what the policy alone does: {f'{moved}, ' if moved else ''}{whole(same)} the same.\n"
    )
    return [
        "## What people judged\n",
        *([judged] if people["findings"] else []),
        *([table(["behaviour", "findings", "judged", "right", "precision"], lines), _PRECISION] if lines else []),
        *([_unlikely(people["unlikely"])] if people.get("unlikely", {}).get("judged") else []),
        *([_missed(missed)] if missed else []),
    ]


def _unlikely(weak: Mapping[str, Any]) -> str:
    found = f"{counted(weak['judged'], 'finding')} that the detectors themselves held for unlikely (under .50)"
    if weak["judged"] == 1:
        right = "was" if weak["right"] else "was not"
        return f"{found} was judged too, and {right} called right; it stands in no line of the table.\n"
    return f"{found} were judged too, and {whole(weak['right'])} of them called right; they stand in no line of the table.\n"


_PRECISION = (
    "Precision is the share of right ones among all findings from .50 on, those under the policy's thresholds too, with its 95% "
    "Wilson interval. It is not known where the judged ones are neither all nor a whole random sample.\n"
)


def _missed(missed: Mapping[str, Any]) -> str:
    return (
        f"Of {counted(missed['rows'], 'row')} kept with nothing found, {whole(missed['judged'])} drawn at random were read; "
        f"people found something in {whole(missed['missed'])} ({share(missed['low'])} to {share(missed['high'])}).\n"
    )


def _collateral_part(collateral: Mapping[str, Any] | None) -> list[str]:
    """Return what else went: counts only, for the words come from the data."""
    if not collateral:
        return []
    words, named = collateral["terms_tested"], collateral["terms_named"]
    groups, beyond = collateral["clusters"]["groups"], collateral["clusters"].get("not_listed", 0)
    count = len(collateral["clusters"]["named"]) + beyond
    sample = collateral.get("sample")
    heading = "## What else went with it\n" + (f"\nOf a sample of {whole(sample['rows'])} rows.\n" if sample else "")
    if not words and not groups:
        return [heading, "Too few rows went whole or lost an exchange to say anything about topics.\n"]
    sides = [
        *([f"{counted(named, 'word') if named else 'no word'} of the requests"] if words else []),
        *([f"{counted(count, 'group') if count else 'no group'} of alike requests"] if groups else []),
    ]
    who = " and ".join(sides)
    tested = " and ".join(counted(number, noun) for number, noun in ((words, "word"), (groups, "group")) if number)
    are_all = not beyond and named <= sum(1 + len(topic["with"]) for topic in collateral["topics"])
    where = f": `report.html` names {'them' if are_all else 'those that lost most'}" if named or count else ""
    lost = f"lost more rows than chance would take{where}"
    few = "" if words else " Too few rows went whole or lost an exchange to say anything about single words."
    return [heading, f"{who[0].upper()}{who[1:]} {lost} ({tested} tested, corrected for that).{few}\n"]


def _stay(rows: int) -> str:
    return f"{counted(rows, 'row')} {'stays' if rows == 1 else 'stay'}"
