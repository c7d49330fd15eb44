"""From a suite that ships, or a file of prompts, to what every model is asked, in groups.

Files are our own JSON Lines, or the CSV and JSON Lines that public suites come as: XSTest's table, OR-Bench's, any other with a
column of prompts; or a task file of lm-eval whose data lies on this machine.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unmoor.errors import UsageError, nearest_name
from unmoor.evaluation.check_keys import wrong_with
from unmoor.evaluation.tables import csv_rows

__all__ = ["Prompt", "join_suites", "read_suite"]

KEYS = ("id", "group", "prompt")
TASK_ENDINGS = (".yaml", ".yml")
SIDES = ("a", "b")
MORE_KEYS = ("check", "pair", "side", "suite")
_PROMPT_COLUMNS = ("prompt", "question", "instruction", "text")
_GROUP_COLUMNS = ("group", "type", "category", "topic", "domain")
_SUITE_COLUMNS = ("suite", "label")
"""XSTest's `label` is safe or unsafe: a refusal of the one and of the other are not the same thing."""
_ID_COLUMNS = ("id", "id_v2", "prompt_id")
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")
"""Half of a surrogate pair, which JSON can write and no tokenizer reads."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question: its id in the suite, the group it is counted in, and its words.

    `check` says how an answer is found right (see `is_right`); `pair` and `side` ("a" or "b") join mirrored prompts. `suite` is
    the suite whose rate it counts in.
    """

    id: str
    group: str
    text: str
    check: Mapping[str, Any] | None = field(default=None, hash=False)
    pair: str = ""
    side: str = ""
    suite: str = ""


def read_suite(name: str | Path) -> tuple[Prompt, ...]:
    """Return the prompts of a suite that ships, by its name, or of a file: JSON Lines, CSV or lm-eval's YAML, by its ending.

    JSON Lines of our own have `id`, `group`, `prompt` and may have `check`, `pair`, `side`, `suite`. In other files the
    prompt is in a column `prompt`, `question`, `instruction` or `text`, the group in `group`, `type`, `category`, `topic` or
    `domain`. A file is a suite by its name without the ending; `suite` or `label` splits it into several.

    Raises:
        UsageError: no such suite or file, a line that is not such an object, half a character, a check that nothing could pass, an
            id that occurs twice, a pair without two sides, or no prompts at all.
    """
    from unmoor.evaluation.built_in import BUILT_IN, built_in

    if str(name) in BUILT_IN:
        return built_in(str(name))
    path = Path(name)
    if not path.exists() and path.suffix.lower() not in (".jsonl", ".csv", ".json", *TASK_ENDINGS):
        near = nearest_name(str(name), BUILT_IN)
        raise UsageError(f'There is no suite "{name}".{near} Known: {", ".join(BUILT_IN)}, or a file of prompts')
    prompts = [replace(prompt, suite=f"{path.stem} {prompt.suite}".strip()) for prompt in _prompts_of(path)]
    if not prompts:
        raise UsageError(f"The suite {path} is empty")
    _check_characters(prompts, path)
    _check_ids(prompts, path)
    _check_pairs(prompts, path)
    return tuple(prompts)


def join_suites(names: Sequence[str]) -> tuple[Prompt, ...]:
    """Return the prompts of several suites, by name or file; files of one name in different folders go by their paths.

    Where two suites have an id in common, as tables do whose lines are only numbered, all of theirs get the suite's name before.

    Raises:
        UsageError: as for `read_suite`, or a suite is named twice.
    """
    if repeated := [name for name, count in Counter(map(str, names)).items() if count > 1]:
        raise UsageError(f"The suite {repeated[0]} is named twice; answers could not be told apart. Next: name it once")
    read = [(name, read_suite(name)) for name in names]
    holders = Counter(identity for _, prompts in read for identity in {prompt.id for prompt in prompts})
    stems = Counter(Path(name).stem for name in names)
    read = [
        (name, _with_name(prompts, str(name) if stems[Path(name).stem] > 1 else Path(name).stem))
        if any(holders[prompt.id] > 1 for prompt in prompts)
        else (name, prompts)
        for name, prompts in read
    ]
    owners = Counter(suite for _, prompts in read for suite in {prompt.suite for prompt in prompts})
    prompts = [
        replace(prompt, suite=f"{name} {prompt.suite}") if owners[prompt.suite] > 1 else prompt
        for name, prompts in read
        for prompt in prompts
    ]
    return tuple(prompts)


def _with_name(prompts: Iterable[Prompt], name: str) -> tuple[Prompt, ...]:
    return tuple(replace(prompt, id=f"{name}:{prompt.id}") for prompt in prompts)


def _prompts_of(path: Path) -> Iterator[Prompt]:
    if path.suffix.lower() in TASK_ENDINGS:
        from unmoor.evaluation.lm_eval_suite import read_lm_eval_task

        return read_lm_eval_task(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The suite {path} cannot be read: {error.strerror}") from error
    return _of_table(content, path) if path.suffix.lower() == ".csv" else _of_lines(content, path)


def _of_lines(content: bytes, path: Path) -> Iterator[Prompt]:
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield _parse(line, f"{path}:{number}", (number, path.stem))


def _parse(line: bytes, where: str, otherwise: tuple[int, str]) -> Prompt:
    try:
        values = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: not JSON ({error})") from error
    if not isinstance(values, dict):
        raise UsageError(f"{where}: expected an object with {', '.join(KEYS)}, found {type(values).__name__}")
    is_ours = {"id", "group"} <= values.keys() or isinstance(values.get("check"), dict)
    if not is_ours and any(name in values for name in _PROMPT_COLUMNS):
        return _of_columns(values, where, otherwise)
    for key in values:
        if key not in (known := (*KEYS, *MORE_KEYS)):
            raise UsageError(f'{where}: unknown key "{key}".{nearest_name(key, known)} Known: {", ".join(known)}')
    for key in KEYS:
        if not isinstance(values.get(key), str) or not values[key].strip():
            raise UsageError(f'{where}: "{key}" must be text and not empty')
    more = {key: values[key] for key in MORE_KEYS if values.get(key) is not None}
    _check_more(more, where)
    return Prompt(values["id"], values["group"], values["prompt"], **more)


def _check_more(values: Mapping[str, Any], where: str) -> None:
    if "check" in values and (wrong := wrong_with(values["check"])):
        raise UsageError(f"{where}: check: {wrong}")
    for key, value in values.items():
        if key != "check" and not isinstance(value, str):
            raise UsageError(f'{where}: "{key}" must be text')
    pair, side = values.get("pair"), values.get("side")
    if pair and not side:
        raise UsageError(f'{where}: "pair" needs a "side", "a" or "b"')
    if side and not pair:
        raise UsageError(f'{where}: "side" needs a "pair"')
    if side and side not in SIDES:
        raise UsageError(f'{where}: "side" must be "a" or "b", found "{side}"')


def _of_table(content: bytes, path: Path) -> Iterator[Prompt]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start})") from error
    for number, row in enumerate(csv_rows(text), 2):
        yield _of_columns(row, f"{path}:{number}", (number - 1, path.stem))


def _of_columns(row: Mapping[str, Any], where: str, otherwise: tuple[int, str]) -> Prompt:
    """Return the prompt of a row whose columns have other people's names; `otherwise` is the id and the group without columns."""
    column = next((name for name in _PROMPT_COLUMNS if _first(row, (name,))), None)
    if column is None:
        if empty := next((name for name in _PROMPT_COLUMNS if name in row), None):
            raise UsageError(
                f'{where}: the column "{empty}" is empty. Next: write a prompt there, or take the line out'
            )
        found = ", ".join(str(key) for key in row) or "no columns"
        raise UsageError(f"{where}: no prompt: expected a column {', '.join(_PROMPT_COLUMNS)}, found {found}")
    text = row[column]
    if not isinstance(text, str):
        raise UsageError(
            f'{where}: "{column}" must be text, found {type(text).__name__}. '
            "Next: write the user's words alone there; a system prompt is for --persona"
        )
    identity, group = _first(row, _ID_COLUMNS) or str(otherwise[0]), _first(row, _GROUP_COLUMNS) or otherwise[1]
    return Prompt(identity, group, text.strip(), suite=_first(row, _SUITE_COLUMNS) or "")


def _first(row: Mapping[str, Any], names: Iterable[str]) -> str | None:
    values = (row.get(name) for name in names)
    return next((str(value).strip() for value in values if value is not None and str(value).strip()), None)


def _check_characters(prompts: Iterable[Prompt], path: Path) -> None:
    for number, prompt in enumerate(prompts, 1):
        found = _HALF_CHARACTER.search("".join((prompt.id, prompt.group, prompt.text, prompt.suite)))
        if found is not None:
            raise UsageError(f"{path}, prompt {number}: {found[0]!a} is half a character. Next: write it whole")


def _check_ids(prompts: Iterable[Prompt], path: Path) -> None:
    seen: set[str] = set()
    for prompt in prompts:
        if prompt.id in seen:
            raise UsageError(f'{path}: the id "{prompt.id}" occurs twice; answers could not be told apart')
        seen.add(prompt.id)


def _check_pairs(prompts: Sequence[Prompt], path: Path) -> None:
    """Hold each pair against having both sides, once each; in another suite a pair of the same name is another pair."""
    counts = Counter((prompt.suite, prompt.pair, prompt.side) for prompt in prompts if prompt.pair)
    for (suite, pair, side), count in counts.items():
        if count > 1:
            raise UsageError(f'{path}: the pair "{pair}" has the side "{side}" twice')
        other = "b" if side == "a" else "a"
        if (suite, pair, other) not in counts:
            raise UsageError(f'{path}: the pair "{pair}" has no side "{other}"')
