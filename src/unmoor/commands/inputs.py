"""The flags that `audit` and `filter` share, and the job that they describe."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

import click

from unmoor.commands.observed import counting_pairs
from unmoor.commands.packs import pack_option, say_first_run
from unmoor.commands.places import Place
from unmoor.commands.terminal import Advance, plural, progress_bar, short, tell
from unmoor.commands.totals import total_to_read
from unmoor.detectors import load_judge
from unmoor.detectors.staying import without_password
from unmoor.engines import Cluster, Dedup, Finisher, Job, JudgeSettings, Options, Summary, run_job, run_on_ray
from unmoor.errors import MachineError, UsageError
from unmoor.languages import cache_folder
from unmoor.layouts import LAYOUTS, DataSet, first_layout, open_data_set, schemas_held_alike, shard_of
from unmoor.policy import Policy
from unmoor.run_folder import RunWriter
from unmoor.storage import AnyPath

__all__ = [
    "bad_rows_allowed", "data_flags", "data_options", "job_for", "open_and_tell", "run_flags", "run_with_progress",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])
_BYTES_PER_WORKER = 32 * 2**20
"""Input per worker under which starting another process costs more than it saves."""
_NAMED, _LONGEST_NAME = 3, 60
_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")
_COUNT = re.compile(r"[0-9]{1,18}")
_SHARE = re.compile(r"[0-9]{0,9}(?:[0-9]|\.[0-9]{1,18})%")


def data_options(function: F) -> F:
    """Add the flags that say how a data set is read and looked at."""
    options = [
        click.argument("path", type=Place()),
        click.option(
            "--layout",
            metavar="NAME",
            help=f"How rows are written, if the guess is wrong: {', '.join(sorted(LAYOUTS))}, or "
            "columns:user=NAME,assistant=NAME with ,system=NAME where there is one.",
        ),
        click.option(
            "--language",
            "languages",
            multiple=True,
            metavar="CODE",
            help="Only this language's pack, yours of --pack too; again for more.",
        ),
        pack_option,
        click.option(
            "--detector",
            "names",
            multiple=True,
            metavar="NAME",
            help="Only this detector: phrases, model (with the phrases that it weighs), wordlist, or one that a package of yours "
            "registers; again for more.",
        ),
        click.option(
            "--wordlist", type=click.Path(path_type=Path), help="A plain list, a phrase a line: behaviour `wordlist`."
        ),
        click.option(
            "--workers", type=click.IntRange(1), help="Processes; by default one per 32 MiB, up to the cores."
        ),
        click.option(
            "--on-bad-row",
            type=click.Choice(["quarantine", "fail"]),
            default="quarantine",
            help="What a broken row does: it goes to a file of its own, or it ends the command.",
        ),
        click.option(
            "--max-bad-rows",
            metavar="N|SHARE%",
            help="Stop, exit code 3, if more rows than this are broken: 10 or 0.1%.",
        ),
        click.option(
            "--judge",
            metavar="KIND:MODEL",
            help="Ask another model about uncertain refusals: openai:MODEL or hf:MODEL.",
        ),
        click.option(
            "--judge-url", metavar="URL", help="Where openai:MODEL answers, such as http://localhost:8000/v1."
        ),
        click.option(
            "--judge-concurrency",
            default=8,
            show_default=True,
            type=click.IntRange(1, 256),
            help="Questions that openai:MODEL is asked at once, by each process.",
        ),
        click.option(
            "--shard",
            metavar="I/N",
            help="Only part I of N, as a run of its own; `unmoor merge` joins them. For Slurm arrays and the like.",
        ),
        click.option("--force", is_flag=True, help="Replace the run that lies there."),
        click.option("--json", "as_json", is_flag=True, help="Print the numbers for a script."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def job_for(
    path: AnyPath, policy: Policy | None, options: dict[str, Any], opened: DataSet | None = None
) -> tuple[DataSet, Job]:
    """Return the file and the job that the flags describe; recognises the file's format and layout, unless it was `opened` before.

    Raises:
        UsageError, LayoutError: the file cannot be read, a name is not known, the tables of several shards differ.
    """
    whole = opened or open_and_tell(path)
    shard = _shard(options["shard"])
    data = shard_of(whole, *shard) if shard else whole
    if shard and policy is not None and whole.format == "parquet":
        schemas_held_alike(whole.files)  # what the shards could not be joined for is said before hours of work
    wordlist = options["wordlist"]
    if wordlist is not None and not wordlist.is_file():
        raise UsageError(f"There is no word list {wordlist}")
    names = tuple(options["names"])
    if wordlist is not None and names and "wordlist" not in names:
        names = (*names, "wordlist")
    job = Job(
        layout=first_layout(path, options["layout"], whole).name,
        policy=policy,
        detectors=names,
        languages=tuple(options["languages"]) or None,
        wordlist=wordlist,
        packs=options["packs"],
        judge=_judge(options),
        dedup=_dedup(options),
    )
    return data, job


def open_and_tell(path: AnyPath) -> DataSet:
    """Return the data set that `path` names, and say on standard error what is to be known of it.

    Raises:
        UsageError, BadDataError, MachineError: as `open_data_set`.
    """
    data = open_data_set(path)
    if data.note:
        tell(data.note)
    return data


def data_flags(options: dict[str, Any]) -> tuple[str, ...]:
    """Return the flags by which rows are read and looked at, as they were given, for a command line that does so again."""
    given = [
        ("--layout", options["layout"]),
        *(("--language", code) for code in options["languages"]),
        *(("--pack", folder) for folder in options["packs"]),
        *(("--detector", name) for name in options["names"]),
        ("--wordlist", options["wordlist"]),
    ]
    return _given(given)


def run_flags(options: dict[str, Any]) -> tuple[str, ...]:
    """Return `data_flags` and the others that decide what a run holds, for a command line that writes it again."""
    given = [(f"--{name}", options.get(name)) for name in ("judge", "dedup", "shard")]
    given.append(("--judge-url", without_password(options.get("judge_url") or "")))
    if options.get("dedup") == "minhash":
        given.append(("--dedup-threshold", options["dedup_threshold"]))
    return (*data_flags(options), *_given(given))


def _given(flags: list[tuple[str, Any]]) -> tuple[str, ...]:
    return tuple(part for flag, value in flags if value for part in (flag, quote(str(value))))


def _dedup(options: dict[str, Any]) -> Dedup | None:
    """Return what `--dedup` asks for.

    Raises:
        UsageError: it is asked for where only a part of the rows is seen.
    """
    method = options.get("dedup")
    if method is None:
        return None
    if options["shard"] or options.get("engine") == "ray":
        raise UsageError(
            "--dedup looks at all rows at once, and --shard and --engine ray see parts. "
            "Next: filter in parts, then filter what was kept with --dedup"
        )
    return Dedup(method, options["dedup_threshold"] if method == "minhash" else 1.0)


def run_with_progress(
    data: DataSet,
    job: Job,
    output: AnyPath | None,
    options: dict[str, Any],
    command: str,
    *,
    people: dict[str, Any] | None = None,
    hold: Finisher = lambda _summary, _writer: None,
) -> Summary:
    """Run a job with a progress bar; with `output`, its report and card are part of the run.

    `command` is the command line that says how to do it again, `people` what the report says of people's verdicts; `hold` may
    raise for what came out, before any of it takes its place.
    """
    from unmoor.commands.outputs import RunReport

    bad_rows = _bad_row_limit(options)
    workers = options["workers"] or _workers_for(data)
    report = RunReport.of(job, [command], people) if output is not None else None
    if report is not None:
        job = replace(job, observer=report.observer)
    if options.get("with_pairs") or options.get("pair_list"):
        job = counting_pairs(job, options["pair_list"])
    say_first_run(job.languages)
    settings = Options(workers=workers, force=options["force"], shard=_shard(options["shard"]), **bad_rows)

    def finish(summary: Summary, writer: RunWriter) -> None:
        hold(summary, writer)
        if report is not None:
            report.write(summary, writer)

    with progress_bar(f"Reading {data.name}", total_to_read(data)) as advance:
        told = _by_rows(advance) if data.format == "parquet" else lambda rows, done: advance(done, rows)
        if options.get("engine") == "ray" and output is not None:
            cluster = Cluster(options["ray_address"], options["ray_shards"])
            summary = run_on_ray(
                options["path"],
                job,
                output,
                settings,
                cluster,
                on_progress=told,
                finish=finish,
            )
        else:
            summary = run_job(data, job, output, settings, on_progress=told, finish=finish)
    _tell_added(summary.source.added)
    return summary


def _tell_added(names: Sequence[str]) -> None:
    """Say on standard error what was added to the data while it was read."""
    if names:
        shown = ", ".join(short(name, _LONGEST_NAME) for name in names[:_NAMED])
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        click.echo(
            f"Added while the data was read, and not read: {plural(len(names), 'file')}: {shown}{more}. "
            "Next: the same command again, once no more are added",
            err=True,
        )


def _by_rows(advance: Advance) -> Callable[[int, int], None]:
    """Return what tells a progress bar that counts rows: each call has the rows of all chunks so far."""
    seen = 0

    def told(rows: int, _bytes: int) -> None:
        nonlocal seen
        advance(rows - seen, rows)
        seen = rows

    return told


def _judge(options: dict[str, Any]) -> JudgeSettings | None:
    """Return the judge asked for; its answers are kept in the user's cache, its key comes from UNMOOR_JUDGE_KEY."""
    name, url = options["judge"], options["judge_url"]
    if name is None:
        if url is not None:
            raise UsageError("--judge-url without --judge: which model is to be asked there? --judge openai:MODEL")
        return None
    key = os.environ.get("UNMOOR_JUDGE_KEY", "")
    load_judge(name, url=url, key=key)
    cache = cache_folder() / "judge.jsonl"
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"The judge's answers cannot be kept in {cache.parent}: {error}") from error
    return JudgeSettings(name, url, key, cache, options["judge_concurrency"])


def _shard(text: str | None) -> tuple[int, int] | None:
    """Return (number, count) of `I/N`.

    Raises:
        UsageError: it is written otherwise.
    """
    if text is None:
        return None
    written = _SHARD.fullmatch(text)
    if written is None:
        raise UsageError(f'--shard takes I/N such as 3/64, found "{text}". Next: two numbers in the digits 0 to 9')
    return int(written[1]), int(written[2])


def _bad_row_limit(options: dict[str, Any]) -> dict[str, Any]:
    """Return the limit that `--on-bad-row` and `--max-bad-rows` set, as options of the run.

    Raises:
        UsageError: no row at all may be broken anyway, or the limit is neither a count nor a share.
    """
    asked = options["max_bad_rows"]
    if options["on_bad_row"] == "fail":
        if asked is not None:
            raise UsageError(
                "--on-bad-row fail stops at the first broken row. Next: leave it out beside --max-bad-rows"
            )
        return {"max_bad_rows": 0, "fails_on_bad_row": True}
    return bad_rows_allowed(asked)


def bad_rows_allowed(asked: str | None) -> dict[str, Any]:
    """Return the limit that `--max-bad-rows` sets, as options of a run; none where it is not given.

    Raises:
        UsageError: it is neither a count nor a share.
    """
    if asked is None:
        return {}
    if _COUNT.fullmatch(asked):
        return {"max_bad_rows": int(asked)}
    share = float(Decimal(asked[:-1]) / 100) if _SHARE.fullmatch(asked) else math.inf
    if share > 1:
        raise UsageError(
            f'--max-bad-rows takes a count such as 10 or a share such as 0.1%, found "{asked}". '
            "Next: a whole number from 0 on, or a share from 0% to 100%"
        )
    return {"max_bad_share": share}


def _workers_for(data: DataSet) -> int:
    """One process per 32 MiB of input, up to the cores."""
    return max(1, min(os.cpu_count() or 1, data.size_bytes // _BYTES_PER_WORKER))
