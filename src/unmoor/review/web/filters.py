"""From counts to bars that filter on click, and from a view to the words that say what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from unmoor.review.web.render import VERDICTS

if TYPE_CHECKING:
    from unmoor.review.store import View

__all__ = ["chips", "orders", "panels", "view_words"]

_MOST_BARS = 12
_OFF = {"sample": False, "waiting": False}
_WAITS = "Waits for a person"
_ALWAYS_OPEN = {"behaviour", "verdict"}
_ORDERS = (("row", "In file order"), ("uncertain", "Most uncertain"), ("random", "Random sample"))
_VERDICT_WORDS = {"none": "not judged yet", "any": "judged", **{value: name.lower() for _, value, name, _ in VERDICTS}}


@dataclass(frozen=True, slots=True)
class Bar:
    """One value of a histogram: a link that puts its filter on, or takes it off where it is on."""

    id: str
    name: str
    count: int
    share: float
    """Of the largest bar, 0 to 100."""
    query: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One histogram."""

    title: str
    bars: tuple[Bar, ...]
    left_out: int = 0
    is_upright: bool = False
    is_folded: bool | None = None
    """None where the panel cannot be folded."""


def panels(view: View, counts: Mapping[str, Any]) -> list[Panel]:
    """Return the histograms of a view; a blind one shows nothing that the machine said."""
    verdicts = _panel(
        "Verdict", view, "verdict", counts["verdicts"], name_of=lambda value: _VERDICT_WORDS.get(value, value)
    )
    languages = _panel("Language", view, "language", counts["languages"])
    if view.blind:
        return [verdicts] if view.sample else [verdicts, languages]
    behaviours = _panel("Behaviour", view, "behaviour", counts["behaviours"])
    rules = _panel("Rule", view, "rule", counts["rules"])
    outcomes = [_panel("What happened to the row", view, "outcome", counts["outcomes"])] if "outcomes" in counts else []
    first = [_waiting(view, counts["waiting_rows"]), behaviours, _probability(view, counts["probability"])]
    shown = [*first, verdicts, *outcomes, languages, rules]
    return [panel for panel in shown if panel.bars]


def _panel(
    title: str, view: View, key: str, counted: Mapping[str, int], *, name_of: Callable[[str], str] = str
) -> Panel:
    ranked = sorted(((name, count) for name, count in counted.items() if count), key=lambda pair: (-pair[1], pair[0]))
    most = max((count for _, count in ranked), default=1)
    on = getattr(view, key)
    bars = tuple(
        Bar(
            f"bar-{key}-{number}",
            name_of(name),
            count,
            100 * count / most,
            _with(view, **{key: None if on == name else name}).to_query(),
            on == name,
        )
        for number, (name, count) in enumerate(ranked[:_MOST_BARS])
    )
    folded = None if key in _ALWAYS_OPEN else not on
    return Panel(title, bars, max(0, len(ranked) - _MOST_BARS), is_folded=folded)


def _waiting(view: View, rows: int) -> Panel:
    """Return one bar: the rows that wait for a person, as many as the run itself counts; none where there are none to show."""
    bar = Bar(
        "bar-waiting",
        "rows",
        rows,
        100 if rows else 0,
        replace(view, waiting=not view.waiting).to_query(),
        view.waiting,
    )
    return Panel(_WAITS, (bar,) if rows or view.waiting else ())


def _with(view: View, **changes: Any) -> View:
    return replace(view, **changes)


def _probability(view: View, bins: Iterable[int]) -> Panel:
    """Return ten upright bars, 0.0 to 0.1 and so on."""
    counted = list(bins)
    most = max([*counted, 1])
    bars = []
    for number, count in enumerate(counted):
        low, high = number / 10, (number + 1) / 10
        is_on = (view.low, view.high) == (low, high)
        query = replace(view, low=None if is_on else low, high=None if is_on else high).to_query()
        bars.append(Bar(f"bar-p-{number}", f"{low:.1f}", count, 100 * count / most, query, is_on))
    return Panel("Probability", tuple(bars), is_upright=True)


def orders(view: View) -> list[tuple[str, str, str]]:
    """Return value, name and query of each order; blind, the sample has none by what the machine said."""
    shown = [(value, name) for value, name in _ORDERS if not (view.blind and view.sample and value == "uncertain")]
    return [(value, name, replace(view, order=value).to_query()) for value, name in shown]


def chips(view: View) -> list[tuple[str, str]]:
    """Return what is filtered by, in words, and the query without it."""
    return [(words, _with(view, **{key: _OFF.get(key) for key in keys}).to_query()) for keys, words in _filters(view)]


def _filters(view: View) -> list[tuple[tuple[str, ...], str]]:
    found: list[tuple[tuple[str, ...], str]] = []
    found += [(("waiting",), _WAITS.lower())] if view.waiting else []
    named = ("behaviour", "language", "rule", "outcome")
    found += [((key,), str(getattr(view, key))) for key in named if getattr(view, key)]
    if view.verdict:
        found.append((("verdict",), _VERDICT_WORDS.get(view.verdict, view.verdict)))
    if (view.low, view.high) != (None, None):
        low, high = view.low or 0, 1 if view.high is None else view.high
        found.append((("low", "high"), f"probability {low:g} to {high:g}"))
    if view.sample:
        found.append((("sample",), "the audit's sample"))
    if view.text:
        found.append((("text",), f"“{view.text}”"))
    return found


def view_words(view: View) -> str:
    """Return a view in words."""
    order = dict(_ORDERS)[view.order].lower()
    filters = ", ".join(words for _, words in _filters(view)) or "everything"
    return f"{filters}; {order}"
