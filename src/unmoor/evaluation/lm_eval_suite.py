"""From a task file of lm-eval and data that lies on this machine to prompts. Code that a task names is never run.

Understood are `include`, `dataset_path` (json, csv, parquet with `data_files`, or a folder), the splits, `doc_to_text` and
`doc_to_target` as a column or a template. A task by exact match whose answers are not filtered first keeps its target as a check;
of any other the prompts are asked, and what matters is whether they are declined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unmoor.errors import MissingExtraError, UsageError
from unmoor.evaluation.suite import Prompt
from unmoor.evaluation.tables import csv_rows

__all__ = ["read_lm_eval_task"]

KINDS = ("json", "csv", "parquet")
ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
_CODE_MATTERS = ("custom_dataset", "process_docs", "doc_to_text")
"""Keys whose code makes the prompts; code under other keys only counts answers, which is not done here."""


class _Code(str):
    """What stands behind `!function` in a task file."""


def read_lm_eval_task(path: Path) -> Iterator[Prompt]:
    """Yield the prompts of one task file, in the group that the task is called.

    Raises:
        UsageError: no such file, no task, prompts that only code can make, or data that is not on this machine.
        MissingExtraError: what reads YAML is not installed.
    """
    task = _load(path)
    if isinstance(task.get("task"), list) or "dataset_path" not in task:
        raise UsageError(
            f"{path} is not a task of lm-eval with its own data. Next: the file of one task, with dataset_path"
        )
    for key in _CODE_MATTERS:
        if isinstance(task.get(key), _Code):
            raise UsageError(
                f"{path}: {key} is code ({task[key]}), and unmoor runs none. "
                "Next: write its prompts to JSON Lines with id, group and prompt"
            )
    name = str(task.get("task") or path.stem)
    for number, row in enumerate(_rows(path, task), 1):
        where = f"{path}, document {number}"
        text = _field(row, task.get("doc_to_text"), where)
        if not text.strip():
            raise UsageError(f"{where}: doc_to_text gives no prompt")
        yield Prompt(f"{name}/{number}", name, text, _check(row, task, where))


def _load(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return a task's values, those of its includes under its own."""
    if path.resolve() in seen:
        raise UsageError(f"{path} includes itself")
    values = _parse(path)
    included = values.pop("include", [])
    merged: dict[str, Any] = {}
    for one in included if isinstance(included, list) else [included]:
        merged |= _load(path.parent / str(one), (*seen, path.resolve()))
    return {**merged, **values}


def _parse(path: Path) -> dict[str, Any]:
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.constructor import SafeConstructor
        from ruamel.yaml.error import YAMLError
    except ImportError as error:
        raise MissingExtraError("Reading a task file of lm-eval", "train") from error

    class Constructor(SafeConstructor):
        """Reads a reference to code as its name."""

    Constructor.add_constructor("!function", lambda _, node: _Code(node.value))
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = Constructor
    try:
        values = reader.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise UsageError(f"The task {path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path}: a task is a list of `key: value` lines, found {type(values).__name__}")
    return values


def _rows(path: Path, task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    split = task.get("test_split") or task.get("validation_split") or task.get("training_split")
    if not split:
        raise UsageError(f"{path} names no split. Next: test_split")
    for file in _files(path, task, str(split)):
        yield from _read(file)


def _files(path: Path, task: Mapping[str, Any], split: str) -> list[Path]:
    source = str(task["dataset_path"])
    named = (task.get("dataset_kwargs") or {}).get("data_files")
    if source in KINDS and named:
        of_split = named.get(split, []) if isinstance(named, dict) else named
        found = [_beside(path, str(one)) for one in (of_split if isinstance(of_split, list) else [of_split])]
    else:
        folder = _beside(path, source) / str(task.get("dataset_name") or "")
        found = sorted(one for one in folder.rglob(f"*{split}*") if one.suffix in ENDINGS) if folder.is_dir() else []
    if not found:
        raise UsageError(
            f"{path}: the split {split} of {source} is not on this machine. Next: download it "
            f"(hf download {source} --repo-type dataset --local-dir FOLDER) and give the task dataset_path: FOLDER"
        )
    return found


def _beside(path: Path, name: str) -> Path:
    """Return a path as the task means it: beside the task file, or else from where the command is started."""
    beside = path.parent / name
    return beside if beside.exists() else Path(name)


def _read(file: Path) -> Iterator[dict[str, Any]]:
    try:
        if file.suffix == ".parquet":
            from pyarrow import parquet

            yield from parquet.read_table(file).to_pylist()
            return
        text = file.read_bytes().decode("utf-8-sig")
        rows = list(csv_rows(text)) if file.suffix == ".csv" else _of_json(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise UsageError(f"{file}, row {number}: expected an object, found {type(row).__name__}")
        yield row


def _of_json(text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def _field(row: Mapping[str, Any], template: Any, where: str) -> str:
    """Return a column of the row, or a template filled from it, as lm-eval does."""
    if isinstance(template, str) and template in row:
        return str(row[template])
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["regex_replace"] = lambda text, pattern, by, count=0: re.sub(pattern, by, text, count=count)
    try:
        return environment.from_string(str(template or "")).render(**row)
    except (TemplateError, TypeError, ValueError, re.error) as error:
        raise UsageError(f"{where}: the template does not fit the row: {error}") from error


def _check(row: Mapping[str, Any], task: Mapping[str, Any], where: str) -> dict[str, Any] | None:
    """Return what a right answer is, where the task compares the whole answer with its target."""
    metrics = [one.get("metric") for one in task.get("metric_list") or [] if isinstance(one, dict)]
    is_plain = task.get("output_type", "generate_until") == "generate_until" and not task.get("filter_list")
    target = task.get("doc_to_target")
    if not is_plain or "exact_match" not in metrics or isinstance(target, _Code) or "process_results" in task:
        return None
    value = _field(row, target, where).strip()
    return {"kind": "one_of", "texts": [value]} if value else None
