"""From the numbers of a run to whether it may go on: the owner's limits on bad rows and on removed ones."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from unmoor.engines.job import Job, Options
from unmoor.engines.summary import Summary
from unmoor.errors import BadDataError

__all__ = ["bad_row_limits", "hold_bad_rows", "hold_to_limit", "hold_to_share", "lowest_limits"]


def hold_bad_rows(summary: Summary, options: Options, *, is_end: bool = False, is_of_shards: bool = False) -> None:
    """Stop at the first chunk that goes over a count; a share can only be told at the end, and of the whole.

    `is_of_shards` says that the limit is the one that shards were made with. Without a limit a data set of which no row at all can
    be read is an error: nothing was looked at. A shard may be such a part.
    """
    bad = summary.outcomes["quarantined"]
    is_whole = is_end and options.shard is None
    over_count = options.max_bad_rows is not None and bad > options.max_bad_rows
    share = options.max_bad_share
    over_share = is_whole and share is not None and bad > Fraction(str(share)) * summary.rows  # 29% of 100 rows is 29
    if over_count or over_share:
        limit = f"{options.max_bad_rows:,}" if over_count else f"{100 * (share or 0):g}%"
        rows = f"{summary.rows:,} rows" if is_end else f"the first {summary.rows:,} rows"
        limit += " that the shards were made with" if is_of_shards else ""
        allowed = "--max-bad-rows, without --on-bad-row fail" if options.fails_on_bad_row else "--max-bad-rows"
        mended = "mend them, or allow as many by"
        if is_of_shards:
            mended = "allow as many by unmoor merge with"
            allowed += ": no shard is made again. Or mend them and make their shards again"
        raise BadDataError(
            f"{bad:,} of {rows} cannot be read, over the limit of {limit}. Nothing was written. "
            f"The first: {summary.first_bad_row()}\nNext: {mended} {allowed}"
        )
    has_limit = options.max_bad_rows is not None or options.max_bad_share is not None
    if is_whole and bad and not summary.readable_rows() and not has_limit:
        told = f"None of the {bad:,} rows can be read" if bad > 1 else "The only row cannot be read"
        seen = "see that the file is what it is taken for"
        following = f"{seen} (--layout says how rows are written); --max-bad-rows 100% takes it as it is"
        if is_of_shards:
            following = (
                f"{seen}, and make the shards again (--layout of unmoor filter and audit says how rows are written); "
                "unmoor merge with --max-bad-rows 100% takes them as they are"
            )
        raise BadDataError(f"{told}. Nothing was written. The first: {summary.first_bad_row()}\nNext: {following}")


def bad_row_limits(options: Options) -> dict[str, Any]:
    """Return the limits on bad rows as JSON, for who joins shards."""
    return {"max_bad_rows": options.max_bad_rows, "max_bad_share": options.max_bad_share}


def lowest_limits(told: Iterable[dict[str, Any]]) -> Options:
    """Return options with the lowest of the limits on bad rows that shards were given, None where none was."""

    def lowest(name: str) -> Any:
        return min((limits[name] for limits in told if limits.get(name) is not None), default=None)

    told = list(told)
    return Options(max_bad_rows=lowest("max_bad_rows"), max_bad_share=lowest("max_bad_share"))


def hold_to_limit(summary: Summary, job: Job) -> None:
    """Raise BadDataError if more of the readable rows were removed than the policy allows."""
    if job.policy is not None:
        hold_to_share(summary, job.policy.as_json(), is_judged=bool(job.verdicts))


def hold_to_share(summary: Summary, policy: dict[str, Any] | None, *, is_judged: bool = False) -> None:
    """Do the same for a policy as a manifest holds it; `is_judged` says that verdicts of people are carried out with it."""
    limit = policy["limits"]["max_removed_share"] if policy is not None else 1.0
    if policy is None or summary.removed_share() <= limit:
        return
    who = policy.get("shown_name", policy["name"]) + (" with what people judged" if is_judged else "")
    first, then = "look with `unmoor audit`, then ", ""
    if is_judged:
        first, then = (
            "",
            ", filter with that into the same folder with --force, where the verdicts stay, and apply again",
        )
    raise BadDataError(
        f"Policy {who} would remove {summary.removed_rows():,} of {summary.readable_rows():,} readable rows "
        f"({summary.removed_share():.1%}), over its limit of {limit:.0%}. Nothing was written. "
        f"Next: {first}raise max_removed_share under [limits] in a policy of your own{then}"
    )
