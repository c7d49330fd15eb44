"""From suites to a folder that another harness runs: lm-eval's task files or Inspect's tasks, same prompts and our judge.

The folder holds `prompts.jsonl` and a few lines that call unmoor, which has to be installed where the harness runs. lm-eval gets
one task for each group of a suite and a group of tasks for the suite; Inspect one task for each suite, with rates by group.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmoor.errors import UsageError
from unmoor.evaluation.suite import Prompt
from unmoor.run_folder import make_folder, write_atomic
from unmoor.serving import Persona

__all__ = ["HARNESSES", "Harness", "export_suites", "read_exported"]

PROMPTS = "prompts.jsonl"
TASK = "unmoor_task.py"
KEYS = ("suite", "id", "group", "prompt", "system", "check", "pair", "side")
"""Of each line of `prompts.jsonl`, all of them text; `check` is JSON or empty."""

Files = Mapping[str, str]
_Suites = Mapping[str, Sequence[Prompt]]


@dataclass(frozen=True, slots=True)
class Harness:
    """How a harness is written for: from suites and the tokens that an answer may have to files, and how it is started."""

    write: Callable[[_Suites, int], Files]
    command: str


def export_suites(suites: _Suites, folder: Path, harness: str, persona: Persona, max_new_tokens: int) -> list[str]:
    """Write `suites` (name to prompts) into `folder` for one of HARNESSES and return the names of its tasks.

    Raises:
        UsageError: the folder holds something already, or two suites would be called the same.
        MachineError: the disk is full or fails.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds files already. Next: name a folder that is new or empty")
    names = [task_name(suite) for suite in suites]
    if len(set(names)) < len(names):
        raise UsageError(f"Two suites would make one task: {', '.join(suites)}. Next: rename a file, or two folders")
    lines = [_line(suite, prompt, persona.system) for suite, prompts in suites.items() for prompt in prompts]
    files = {PROMPTS: "".join(lines), **HARNESSES[harness].write(suites, max_new_tokens)}
    make_folder(folder)
    for name, text in files.items():
        write_atomic(folder / name, text.encode())
    return names


def read_exported(folder: Path) -> list[dict[str, str]]:
    """Return the lines of `folder`/prompts.jsonl, each with KEYS.

    Raises:
        UsageError: the file is missing, or a line is not such an object.
    """
    path = folder / PROMPTS
    try:
        rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line.strip()]
        return [{key: str(row[key]) for key in KEYS} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} does not hold what was exported ({error}). Next: unmoor suites export again"
        ) from error


def task_name(*parts: str) -> str:
    """Return `unmoor_` and the parts as a name that both harnesses and Python take."""
    return "_".join(["unmoor", *(re.sub(r"\W+", "_", part.lower(), flags=re.ASCII).strip("_") for part in parts)])


def _line(suite: str, prompt: Prompt, system: str) -> str:
    check = "" if prompt.check is None else json.dumps(prompt.check, ensure_ascii=False)
    values = (suite, prompt.id, prompt.group, prompt.text, system, check, prompt.pair, prompt.side)
    return json.dumps(dict(zip(KEYS, values, strict=True)), ensure_ascii=False) + "\n"


_LM_EVAL_TASK = '''"""What the task files in this folder call; written by unmoor, which has to be installed."""

from pathlib import Path

from unmoor.evaluation.lm_eval_task import asymmetry, results
from unmoor.evaluation.lm_eval_task import documents as _documents

__all__ = ["asymmetry", "documents", "results"]


def documents(suite, group, **_):
    return _documents(Path(__file__).parent, suite, group)
'''

_LM_EVAL_SHARED = """# For all tasks of this folder. Greedy answers, as `unmoor evaluate` has them; needs --apply_chat_template.
custom_dataset: !function unmoor_task.documents
test_split: test
output_type: generate_until
num_fewshot: 0
doc_to_text: prompt
doc_to_target: ""
description: system
fewshot_delimiter: ""
target_delimiter: ""
generation_kwargs:
  do_sample: false
  max_gen_toks: {tokens}
  until: []
process_results: !function unmoor_task.results
metadata:
  version: 1
"""
_SHARED = "_unmoor"
_HIGHER_IS_BETTER = {"refuses": "false", "right": "true", "asymmetry": "false"}


def _for_lm_eval(suites: _Suites, tokens: int) -> dict[str, str]:
    files = {TASK: _LM_EVAL_TASK, _SHARED: _LM_EVAL_SHARED.format(tokens=tokens)}
    for suite, prompts in suites.items():
        tasks = {}
        for group, members in _by_group(prompts):
            name = task_name(suite, group)
            while name in tasks:
                name += "_"
            tasks[name] = _lm_eval_task(name, suite, group, _metrics(members))
        files |= {f"{name}.yaml": text for name, text in tasks.items()}
        files[f"{task_name(suite)}.yaml"] = _lm_eval_group(task_name(suite), list(tasks), _metrics(prompts))
    return files


def _lm_eval_task(name: str, suite: str, group: str, metrics: Sequence[str]) -> str:
    lines = [f"include: {_SHARED}", f"task: {name}", f"task_alias: {json.dumps(group)}", "dataset_kwargs:"]
    lines += [f"  suite: {json.dumps(suite)}", f"  group: {json.dumps(group)}", "metric_list:"]
    for metric in metrics:
        how = "!function unmoor_task.asymmetry" if metric == "asymmetry" else "mean"
        lines += [
            f"  - metric: {metric}",
            f"    aggregation: {how}",
            f"    higher_is_better: {_HIGHER_IS_BETTER[metric]}",
        ]
    return "\n".join(lines) + "\n"


def _lm_eval_group(name: str, tasks: Sequence[str], metrics: Sequence[str]) -> str:
    lines = [f"group: {name}", "task:", *(f"  - {task}" for task in tasks), "aggregate_metric_list:"]
    for metric in metrics:
        lines += [f"  - metric: {metric}", "    aggregation: mean", "    weight_by_size: true"]
    return "\n".join([*lines, "metadata:", "  version: 1"]) + "\n"


def _metrics(prompts: Sequence[Prompt]) -> list[str]:
    more = {"right": any(one.check is not None for one in prompts), "asymmetry": any(one.pair for one in prompts)}
    return ["refuses", *(name for name, is_there in more.items() if is_there)]


def _by_group(prompts: Sequence[Prompt]) -> Iterator[tuple[str, list[Prompt]]]:
    for group in dict.fromkeys(prompt.group for prompt in prompts):
        yield group, [prompt for prompt in prompts if prompt.group == group]


_INSPECT_TASK = '''"""Tasks for Inspect; written by unmoor, which has to be installed."""

from pathlib import Path

from inspect_ai import task

from unmoor.evaluation.inspect_task import suite_task

FOLDER = Path(__file__).parent
'''


def _for_inspect(suites: _Suites, tokens: int) -> dict[str, str]:
    parts = [
        f"\n\n@task\ndef {task_name(suite)}():\n    return suite_task(FOLDER, {json.dumps(suite)}, max_tokens={tokens})\n"
        for suite in suites
    ]
    return {TASK: _INSPECT_TASK + "".join(parts)}


HARNESSES: dict[str, Harness] = {
    "lm-eval": Harness(
        _for_lm_eval,
        "lm_eval run --model hf --model_args pretrained=MODEL --include_path {folder} --tasks {tasks} --apply_chat_template",
    ),
    "inspect": Harness(
        _for_inspect,
        "inspect eval {folder}/unmoor_task.py --model hf/local -M model_path=MODEL -M do_sample=false"
        " -M tokenizer_call_args='{{add_special_tokens: false}}'",
    ),
}
"""Each harness that a suite is written for, and how it is started."""
