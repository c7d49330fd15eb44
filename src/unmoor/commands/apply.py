"""`unmoor apply RUN`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import click
import orjson

from unmoor.commands.found import print_opinions
from unmoor.commands.inputs import job_for, run_with_progress
from unmoor.commands.outputs import commands_of
from unmoor.commands.packs import pack_option
from unmoor.commands.terminal import plural, print_json, typed, visible, wrapped
from unmoor.commands.unheeded import entries_judged, last_words, not_carried_out, on_duplicates, place_of
from unmoor.detectors import NOT_BELIEVED
from unmoor.engines import Finisher, Summary, plain_name, restore, restored_files
from unmoor.errors import UsageError
from unmoor.languages import load_own_packs, pack_codes
from unmoor.layouts import data_set_of
from unmoor.policy import Policy, policy_of_run
from unmoor.records import OUTCOMES, Verdict, action_for
from unmoor.records.registered import package_of
from unmoor.report.visible import left_said
from unmoor.run_folder import (
    MANIFEST,
    RUN,
    RunWriter,
    hash_file,
    hold_as_written,
    hold_replaceable,
    machine_errors,
    put_back,
    read_manifest,
    scratch_beside,
)

_POLICY: dict[str, Any] = {"policy": {"floor": {"also": list}}}
"""What a manifest says of the policy of a filter, for it to be read."""

_ROWS_NAMED = 5
"""Of the rows of verdicts of which nothing came; `--json` has all of them."""
_APPLIED = " && unmoor apply "
"""What stands in the command lines of a run between those that made it and the one that applied verdicts."""


@click.command("apply")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--wordlist", type=click.Path(path_type=Path), help="The list that the run was made with, if it was.")
@pack_option
@click.option("--judge-url", metavar="URL", help="Where the run's judge answers, if it had one of openai:MODEL.")
@click.option(
    "--judge-concurrency", default=8, show_default=True, type=click.IntRange(1, 256), help="Questions at once."
)
@click.option("--workers", type=click.IntRange(1), help="Processes; by default one per 32 MiB, up to the cores.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers for a script.")
def command(run: Path, as_json: bool, **options: Any) -> None:
    """Write RUN again as people judged it: their verdicts stand over the machine's, the floor over both.

    The input is rebuilt from RUN itself and goes through the same policy, detectors and languages again. Of several verdicts on
    one finding the newest holds. Undo verdicts and apply again to go back. Example: unmoor apply runs/house
    """
    hold_replaceable(run)
    with machine_errors(f"Making {run}"):
        put_back(run)
    manifest = _manifest(run, options["wordlist"])
    _hold_same_packs(run, manifest["detectors"]["packs"], options["packs"])
    _hold_same_packages(run, manifest)
    by_row, stale, people = _verdicts(run, manifest)
    before = manifest["counts"]
    summary = _filter_again(run, manifest, by_row, people, options)
    after = summary.counts()
    _, lost, _ = _verdicts(run, manifest)
    entries = entries_judged(by_row, run / "ledger.jsonl")
    told = {
        "verdicts": sum(map(len, by_row.values())),
        "rows": len(by_row),
        "stale": len(stale),
        "stale_after": len(lost),
        "stale_rows": sorted({verdict.row for verdict in max(stale, lost, key=len)}),
        "disagreed": _disagreed(by_row),
        "left_as_right": _left_as_right(by_row, _policy(run, manifest)),
        "not_carried_out": not_carried_out(by_row, entries),
        "on_duplicates": on_duplicates(by_row, entries) if manifest.get("dedup") else [],
        "before": {name: before[name] for name in OUTCOMES},
        "after": {name: after[name] for name in OUTCOMES},
        **{name: summary.as_json()[name] for name in ("second_opinions", "judge_error")},
        "run": str(run),
    }
    if as_json:
        print_json(told)
        return
    _print(told)
    if manifest.get("judge"):
        print_opinions(summary.opinions, summary.judge_error)


def _manifest(run: Path, wordlist: Path | None) -> dict[str, Any]:
    """Return the manifest of a run that can be made again.

    Raises:
        UsageError: it is an audit or a shard, or was made with another word list than the one that is named.
        RunFolderError: it is missing, half-written, altered or of another version.
    """
    manifest = read_manifest(run, RUN)
    if manifest["kind"] != "filter":
        raise UsageError(f"{run} is an audit: it keeps no rows. Next: unmoor filter, then review and apply that run")
    read_manifest(run, _POLICY)
    if manifest.get("shard") is not None:
        raise UsageError(
            f"{run} is a shard. Next: join all of them with `unmoor merge`, then review and apply the whole"
        )
    _hold_same_list(run, manifest["detectors"].get("wordlist"), wordlist)
    return manifest


def _hold_same_list(run: Path, made_with: dict[str, Any] | None, wordlist: Path | None) -> None:
    """Raise UsageError unless `wordlist` is the list that the run was made with, byte for byte."""
    if made_with is None:
        if wordlist is not None:
            raise UsageError(f"{run} was made without a word list. Next: {typed('unmoor apply', run)}")
        return
    again = typed("unmoor apply", run, "--wordlist FILE")
    if wordlist is None:
        raise UsageError(f"{run} was made with a word list. Next: {again}")
    if wordlist.is_file() and (found := hash_file(wordlist)) != made_with["sha256"]:
        raise UsageError(
            f"{wordlist} is not the list that {run} was made with: its SHA-256 is {found[:12]}…, that one's "
            f"{made_with['sha256'][:12]}…. Next: {again}, with the list as it was, or "
            "unmoor filter with the new one"
        )


def _hold_same_packs(run: Path, made_with: dict[str, Any], folders: tuple[Path, ...]) -> None:
    """Raise UsageError unless `folders` are the owner's packs that the run was made with, byte for byte."""
    needed = {code: pack["sha256"] for code, pack in made_with.items() if code not in pack_codes()}
    given = {pack.code: pack.sha256 for pack in load_own_packs(folders)}
    wrong = sorted(code for code in {*needed, *given} if needed.get(code) != given.get(code))
    if wrong:
        flags = [part for code in needed for part in ("--pack", _folder_of(run, code))]
        raise UsageError(
            f"{run} was made with other packs of your own: {', '.join(wrong)} is missing, changed since, or not one of them. "
            f"Next: {typed('unmoor apply', run, *flags)}, as they were, or unmoor filter with the new ones"
        )


def _hold_same_packages(run: Path, manifest: dict[str, Any]) -> None:
    """Raise UsageError unless the same versions register what the run was made with of other packages."""
    from unmoor.detectors.elsewhere import GROUP
    from unmoor.layouts import package_of_layout

    made_with = [
        (f'the detector "{name}"', package, package_of(GROUP, name))
        for name, package in manifest["detectors"].get("packages", {}).items()
    ]
    if "layout_package" in manifest:
        layout = manifest["layout"]
        made_with.append((f'the layout "{layout}"', manifest["layout_package"], package_of_layout(layout)))
    for what, package, now in made_with:
        if now != package:
            raise UsageError(
                f"{run} was made with {what} of {package}, and now {now or 'unmoor itself'} registers it. "
                "Next: install that version again, or unmoor filter with what is there"
            )


def _folder_of(run: Path, code: str) -> Path | str:
    """Return the folder of a pack as the run's command lines name it, from where this one is typed; a word where it is gone."""
    words = [word for line in commands_of(run) for word in shlex.split(line)]
    named = (Path(folder) for flag, folder in pairwise(words) if flag == "--pack")
    folder = next((folder for folder in named if folder.name == code and folder.is_dir()), None)
    if folder is None:
        return f"FOLDER/{code}"
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _verdicts(
    run: Path, manifest: dict[str, Any]
) -> tuple[dict[int, tuple[Verdict, ...]], list[Verdict], dict[str, Any] | None]:
    """Return the standing verdicts by row, those on findings that the run does not hold, and what a report says of the former."""
    from unmoor.commands.row_reading import row_reader
    from unmoor.review.judged import drawn_before, people_facts, unlikely_before
    from unmoor.review.store import Store

    store = Store.open(run, "unmoor apply", read_row=row_reader(run))
    try:
        is_of_detectors = "verdicts" not in manifest
        report = run / "report.json"
        drawn = store.drawn() if is_of_detectors else drawn_before(report)
        unlikely = store.unlikely() | (frozenset() if is_of_detectors else unlikely_before(report))
        return store.verdicts_by_row(), store.stale(), people_facts(store.standing(), drawn, unlikely)
    finally:
        store.close()


def _filter_again(
    run: Path,
    manifest: dict[str, Any],
    by_row: dict[int, tuple[Verdict, ...]],
    people: dict[str, Any] | None,
    options: dict[str, Any],
) -> Summary:
    detectors = manifest["detectors"]
    asked = {
        "layout": manifest["layout"],
        "languages": tuple(detectors["packs"]),
        "packs": options["packs"],
        "names": tuple(detectors["detectors"]),
        "wordlist": options["wordlist"],
        "judge": manifest.get("judge"),
        "judge_url": options["judge_url"],
        "judge_concurrency": options["judge_concurrency"],
        "dedup": manifest.get("dedup", {}).get("method"),
        "dedup_threshold": manifest.get("dedup", {}).get("threshold", 1.0),
        "shard": None,
        "workers": options["workers"],
        "force": True,
        "on_bad_row": "quarantine",
        "max_bad_rows": None,
    }
    policy = _policy(run, manifest)
    with scratch_beside(run.resolve(), ".applying") as folder:
        source = folder / _input_name(manifest)
        restore(run, source)
        files = restored_files(manifest, source)
        root = source if len(files) > 1 else source.parent
        copies = data_set_of(manifest["input"]["name"], files, root)
        if copies.format == "parquet":  # its rows were read once, and lie in other row groups now
            copies = replace(copies, files=tuple(replace(file, is_of_a_run=True) for file in copies.files))
        revision = manifest["input"].get("revision", "")
        copies = replace(copies, copied_from=tuple(manifest["inputs"]), revision=revision)
        data, job = job_for(source, policy, asked, copies)
        again = _reproduce(run, is_judged=bool(by_row))
        judged = replace(job, verdicts=by_row)
        return run_with_progress(data, judged, run, asked, again, people=people, hold=_opinions_held(run, manifest))


def _opinions_held(run: Path, manifest: dict[str, Any]) -> Finisher:
    """Return what raises UsageError where the run's judge failed and by that decides fewer findings than it did."""
    judge = manifest.get("judge", "")
    before = _decided_by(judge, run / "ledger.jsonl") if judge else 0

    def hold(summary: Summary, writer: RunWriter) -> None:
        has_failed = bool(summary.judge_error or summary.opinions[NOT_BELIEVED])
        if before and has_failed and (now := _decided_by(judge, writer.written("ledger.jsonl"))) < before:
            why = summary.judge_error or "it was wrong about a row with a known label"
            raise UsageError(
                f"The judge {judge} decided {plural(before, 'finding')} of {run}, and now {now:,}: {visible(why)}. "
                "The run is as it was. Next: apply again when the judge answers, with the --judge-url that the run was made with"
            )

    return hold


def _decided_by(judge: str, ledger: Path) -> int:
    """Return how many findings in a ledger the judge made sure; what a person called something else stands there twice."""
    count = 0
    with ledger.open("rb") as file:
        for line in file:
            findings = orjson.loads(line)["findings"]
            count += len({place_of(one) for one in findings if one["detector"].endswith(f"+{judge}")})
    return count


def _policy(run: Path, manifest: dict[str, Any]) -> Policy:
    """Return the policy as it was when the run was made, from the manifest; the file that it `extends` may have changed since."""
    hold_as_written(run, manifest, "policy.toml")
    source = (run / "policy.toml").read_text(encoding="utf-8")
    return policy_of_run(manifest["policy"], source, str(run / MANIFEST))


def _input_name(manifest: dict[str, Any]) -> str:
    """Return the name under which the input is rebuilt: that of the only file, without the ending of its compression."""
    inputs = manifest["inputs"]
    return PurePosixPath(plain_name(inputs[0])).name if len(inputs) == 1 else "input"


def _reproduce(run: Path, *, is_judged: bool) -> str:
    """Return the command lines that lead to the run as it will be; without a verdict, those that made it.

    The last one names the folder that those before it write: the run may lie elsewhere since.
    """
    made = [line.rpartition(_APPLIED)[0] or line for line in commands_of(run)]
    return " && ".join([*made, typed("unmoor apply", _written_by(made) or run)] if is_judged or not made else made)


def _written_by(lines: list[str]) -> Path | None:
    """Return the folder of this machine that command lines write at last; None where they write none."""
    words = [word for line in lines for word in shlex.split(line)]
    written = [folder for flag, folder in pairwise(words) if flag == "-o"]
    return Path(written[-1]) if written and "://" not in written[-1] else None


def _disagreed(by_row: dict[int, tuple[Verdict, ...]]) -> int:
    """Return on how many findings people say different things: the newest verdict holds there."""
    said: dict[tuple[Any, ...], set[tuple[str, str]]] = {}
    for verdict in chain.from_iterable(by_row.values()):
        if verdict.judgement != "skip":
            where = (verdict.row, verdict.behaviour, verdict.turn, verdict.field, verdict.start_char, verdict.rule)
            said.setdefault(where, set()).add((verdict.judgement, verdict.corrected_behaviour or verdict.behaviour))
    return sum(len(different) > 1 for different in said.values())


def _left_as_right(by_row: dict[int, tuple[Verdict, ...]], policy: Policy) -> int:
    """Return how many findings were called right of which the policy only says that people are to look."""
    return sum(
        verdict.judgement == "correct"
        and action_for(policy.actions, policy.rules, verdict.corrected_behaviour or verdict.behaviour, verdict.rule)
        == "review"
        for verdict in last_words(by_row)
    )


def _print(told: dict[str, Any]) -> None:
    if told["verdicts"]:
        judged = f"{plural(told['verdicts'], 'verdict')} on {plural(told['rows'], 'row')}"
        click.echo(f"{judged}, applied to {told['run']}")
    else:
        click.echo(f"Nobody has judged a finding of {told['run']}: it is as the policy alone has it.")
        click.echo(f"Next: {typed('unmoor review', Path(told['run']))}")
    for name in OUTCOMES:
        was, now = told["before"][name], told["after"][name]
        if was or now:
            click.echo(f"  {name:<12}{was:>12,} → {now:,}")
    if told["disagreed"]:
        on = plural(told["disagreed"], "finding")
        click.echo(
            wrapped(f"People say different things of {on}: the newest verdict holds (unmoor review, Agreement).")
        )
    if told["left_as_right"]:
        was = plural(told["left_as_right"], "finding was", "findings were")
        click.echo(
            wrapped(
                f"{was} called right of which the policy only says that people look: nothing was changed there. "
                "Next: mend or drop as the verdict, or another action in the policy"
            )
        )
    if left := told["not_carried_out"]:
        count = sum(left.values())
        were, they_are = plural(count, "finding was", "findings were"), "it is" if count == 1 else "they are"
        drop = " Next: for what stands in reasoning, drop, which takes the row" if "reasoning" in left else ""
        click.echo(wrapped(f"{were} to be mended or dropped, and left as {they_are}: {left_said(left)}.{drop}"))
    if twice := told["on_duplicates"]:
        one, several = "row that was judged went as a duplicate", "rows that were judged went as duplicates"
        stay = _rows_named(sorted({each["stays"] for each in twice}))
        click.echo(
            wrapped(
                f"{plural(len(twice), one, several)} all the same: what is said of the row that stays holds for all of them. "
                f"Next: judge {stay}"
            )
        )
    left_out = max(told["stale"], told["stale_after"])
    if left_out:
        are = plural(left_out, "verdict is", "verdicts are")
        of = _rows_named(told["stale_rows"])
        click.echo(
            wrapped(
                f"{are} on findings that the run does not hold, and changed nothing: said of {of}, as it was counted then."
            )
        )


def _rows_named(rows: list[int]) -> str:
    """Return the first of some rows, and how many more there are: "rows 3, 8 and 2 more"."""
    shown = ", ".join(f"{row:,}" for row in rows[:_ROWS_NAMED])
    more = f" and {len(rows) - _ROWS_NAMED:,} more" if len(rows) > _ROWS_NAMED else ""
    return f"row{'' if len(rows) == 1 else 's'} {shown}{more}"
