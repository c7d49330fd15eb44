"""From rows in their own layouts to what Axolotl itself makes of them, beside what unmoor's preflight said it would.

    python bench/axolotl.py ENVIRONMENT --data FOLDER

ENVIRONMENT is a folder with an Axolotl in it (ENVIRONMENT/bin/axolotl), FOLDER has raw/*.jsonl.gz. Two things are compared, row by
row, by token ids and labels: what `axolotl preprocess` keeps of the token ids that unmoor hands to it, and what Axolotl's own chat
template strategy makes of the same rows. The second is not what a twin is trained on; it says in what unmoor's reading differs from
Axolotl's. Nothing is trained. Writes bench/results/axolotl.md; about five minutes of one processor for 1,000 rows of each file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from measure import RESULTS, ROOT, WORK
from ruamel.yaml import YAML

from unmoor.commands.training_rows import read_or_say
from unmoor.demo import plain_sentences
from unmoor.records import Conversation
from unmoor.training import Training, make_demo_base, plan_twins
from unmoor.training.plan import Plan
from unmoor.training.prepare import IGNORED

SEED = 5
MISTRAL = ROOT / "src" / "unmoor" / "training" / "recipes" / "mistral.jinja"
ODD_ROWS = ROOT / "tests" / "training" / "axolotl_masks.json"
OWN: Mapping[str, Mapping[str, Any]] = {
    "fastchat_dummy": {
        "field_messages": "conversations",
        "message_property_mappings": {"role": "from", "content": "value"},
    },
    "ja_vicuna_qa": {},
    "oasst_fr_top1": {},
}
"""Files that Axolotl reads in their own layout, and what it must be told for that. The others it gets as messages, each turn with
what unmoor found to be learned: Axolotl has no chat template for Alpaca's columns, nor for pairs in supervised training.
"""
BASE: Mapping[str, Any] = {
    "sequence_len": 512,
    "micro_batch_size": 4,
    "num_epochs": 1,
    "learning_rate": 1e-3,
    "bf16": False,
    "shuffle_merged_datasets": False,
    "dataset_num_proc": 1,
}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "The tokenizer's template": {"chat_template": "tokenizer_default"},
    "ChatML, packed": {"chat_template": "chatml", "sample_packing": True},
    "Mistral's template, truncated": {
        "chat_template": "jinja",
        "chat_template_jinja": str(MISTRAL),
        "excess_length_strategy": "truncate",
    },
    "ChatML, 32 tokens at least": {"chat_template": "chatml", "min_sample_len": 32},
}
DRIVER = "import sys; from axolotl.cli.preprocess import do_cli; [do_cli(config=path) for path in sys.argv[1:]]"
"""What `axolotl preprocess` does, for several recipes."""

Sample = tuple[tuple[int, ...], tuple[int, ...]]
"""Token ids and as many labels."""


def main() -> None:
    """Compare under every option and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1000, help="of each file")
    parser.add_argument("--results", type=Path, default=RESULTS / "axolotl.md")
    asked = parser.parse_args()
    work = WORK / "axolotl"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    base = make_demo_base(plain_sentences(SEED)[:600], work / "base", seed=SEED, steps=2)
    files = {path.name.split(".")[0]: path for path in sorted((asked.data / "raw").glob("*.jsonl.gz"))}
    data = {name: unpack(path, work / f"{name}.jsonl", asked.rows) for name, path in files.items()}
    data["odd_rows"] = write_lines(
        work / "odd_rows.jsonl", (one["row"] for one in json.loads(ODD_ROWS.read_text())["rows"])
    )
    parts = [compare(name, data, base, asked.environment) for name in OPTIONS]
    version = run([asked.environment / "bin" / "axolotl", "--version"]).split()[-1]
    head = (
        f"Axolotl {version}; of each file the first {asked.rows:,} rows; a row may have {BASE['sequence_len']} tokens of the "
        "demo's tokenizer. `odd_rows` are ours: wrong order of roles, empty answers, a system turn alone, too long, masked."
    )
    asked.results.write_text(
        "\n\n".join(["## What Axolotl makes of the same rows", head, *parts]) + "\n", encoding="utf-8"
    )


def unpack(path: Path, to: Path, rows: int) -> Path:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        to.write_text("".join(line for line, _ in zip(file, range(rows), strict=False)), encoding="utf-8")
    return to


def write_lines(to: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    to.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return to


def compare(name: str, data: Mapping[str, Path], base: Path, environment: Path) -> str:
    """Return a table of one option: what was handed over and kept, and Axolotl's own reading beside it."""
    folder = WORK / "axolotl" / "".join(letter if letter.isalnum() else "-" for letter in name)
    folder.mkdir()
    settings = {"base_model": str(base), **BASE, **OPTIONS[name]}
    recipe = write_yaml(folder / "recipe.yaml", settings)
    plan = plan_twins(recipe, data, folder / "twins", read_or_say, Training(max_dropped=1.0))
    handed = {arm.name: samples_of(plan, arm.name) for arm in plan.arms}
    given = [hand_over(folder / f"{arm}.jsonl", samples) for arm, samples in handed.items() if samples]
    own = [own_entry(plan, arm, path, folder) for arm, path in data.items()]
    asked = {folder / "handed": {**settings, "datasets": given}, folder / "own": {**settings, "datasets": own}}
    return table(name, plan, handed, *preprocess(asked, environment))


def samples_of(plan: Plan, arm: str) -> list[Sample]:
    """Return what the preflight says that the trainer keeps of an arm, whole rows."""
    if not plan.checked[arm].rows_trained:
        return []
    twin = plan.twin(next(one for one in plan.arms if one.name == arm), read_or_say)
    return [(tuple(one.input_ids), tuple(one.labels)) for one in twin.prepared.examples]


def hand_over(to: Path, samples: Iterable[Sample]) -> dict[str, Any]:
    """Write rows as a twin's are written, and return what Axolotl is told of them."""
    rows = ({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels} for ids, labels in samples)
    return {"path": str(write_lines(to, rows)), "ds_type": "json"}


def own_entry(plan: Plan, name: str, path: Path, folder: Path) -> dict[str, Any]:
    """Return what Axolotl is told to read a file by itself; it stops at a row that the template refuses, so there are none."""
    told = OWN.get(name)
    if told is None:
        dropped = plan.checked[name].dropped
        rows = ((row, one) for row, one in read_or_say(path) if "will not render" not in dropped.get(row, ""))
        path, told = write_lines(folder / f"{name}-messages.jsonl", messages(rows)), {"message_field_training": "train"}
    return {"path": str(path), "ds_type": "json", "type": "chat_template", **told}


def messages(rows: Iterable[tuple[int, Conversation | str]]) -> Iterator[dict[str, Any]]:
    """Yield conversations as messages, with a mark at the turns that are not to be learned."""
    for _, one in rows:
        if isinstance(one, Conversation) and one.turns:
            yield {
                "messages": [{"role": turn.role, "content": turn.text, "train": turn.is_target} for turn in one.turns]
            }


def write_yaml(path: Path, values: Mapping[str, Any]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(dict(values), file)
    return path


def preprocess(settings: Mapping[Path, Mapping[str, Any]], environment: Path) -> Iterator[list[Sample]]:
    """Yield the samples that `axolotl preprocess` leaves in each folder, in its order; one process, for it starts slowly."""
    import datasets

    recipes = []
    for folder, values in settings.items():
        folder.mkdir()
        places = {"output_dir": str(folder), "dataset_prepared_path": str(folder / "prepared")}
        recipes.append(write_yaml(folder / "axolotl.yaml", {**values, **places}))
    run([environment / "bin" / "python", "-c", DRIVER, *recipes])
    for folder in settings:
        rows = datasets.load_from_disk(str(next((folder / "prepared").glob("*/state.json")).parent))
        yield [(tuple(one["input_ids"]), tuple(one["labels"])) for one in rows]


def run(command: list[Any]) -> str:
    environment = {**os.environ, "AXOLOTL_DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
    environment.pop("PYTHONPATH", None)  # it may hold this folder, where this file has the name of Axolotl itself
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout + done.stderr


def table(name: str, plan: Plan, handed: Mapping[str, list[Sample]], given: list[Sample], own: list[Sample]) -> str:
    """Return how many rows the preflight keeps, how many of them Axolotl kept as handed over, and how many it reads alike."""
    columns = ("file", "rows", "preflight keeps", "handed over, kept alike", "read alike, ids and labels", "ids alone")
    lines = [f"### {name}", "", f"| {' | '.join(columns)} |", f"|---|{'--:|' * 5}"]
    left, own_left, ids_left = Counter(given), Counter(own), Counter(ids for ids, _ in own)
    rule, expected = plan.backend.rule(plan.recipe), {}
    for arm, samples in handed.items():
        expected[arm] = [(ids[rule.kept(len(ids))], labels[rule.kept(len(ids))]) for ids, labels in samples]
        counts = (
            taken(expected[arm], left),
            taken(expected[arm], own_left),
            taken((ids for ids, _ in expected[arm]), ids_left),
        )
        lines.append(
            f"| {arm} | {plan.checked[arm].rows:,} | {len(samples):,} | {' | '.join(f'{one:,}' for one in counts)} |"
        )
    by_ids = defaultdict(list)
    for ids, labels in own_left.elements():
        by_ids[ids].append(labels)
    ours = learned_apart(
        (one for samples in expected.values() for one in samples), Counter(own), by_ids, plan.tokenizer
    )
    known = {ids for samples in expected.values() for ids, _ in samples}
    more = [labels for ids, labels in own_left.elements() if ids not in known]
    empty = sum(all(label == IGNORED for label in labels) for labels in more)
    lines += [
        "",
        f"Beyond these Axolotl keeps {sum(left.values())} of what was handed over.",
        f"Where the ids are alike, learned by one alone: {ours}.",
        f"Rows that Axolotl's own reading keeps and the preflight does not: {len(more)}, of which {empty} have nothing to learn.",
    ]
    return "\n".join(lines)


def taken(wanted: Iterable[Any], left: Counter[Any]) -> int:
    """Take the wanted ones out of what is left and return how many were there."""
    count = 0
    for one in wanted:
        if left[one] > 0:
            left[one] -= 1
            count += 1
    return count


def learned_apart(
    samples: Iterable[Sample],
    own: Counter[Sample],
    by_ids: Mapping[tuple[int, ...], list[tuple[int, ...]]],
    tokenizer: Any,
) -> str:
    """Return which tokens only unmoor or only Axolotl learns, and how often, in words."""
    found: Counter[tuple[str, str]] = Counter()
    for ids, labels in samples:
        if (ids, labels) in own or not by_ids.get(ids):
            continue
        for token, ours, theirs in zip(ids, labels, by_ids[ids][0], strict=True):
            if ours != theirs:
                found["unmoor" if ours != IGNORED else "Axolotl", tokenizer.decode([token])] += 1
    return ", ".join(f"`{text}` by {who}, {count:,}" for (who, text), count in found.most_common(5)) or "nothing"


if __name__ == "__main__":
    main()
