"""From what the page asks for to its answer: one function for each route, each given the desk and the words of the request.

A view (which findings, in which order) comes from the query and is checked by the store; an item is a number; nothing else is taken
from a request but a judgement, a note and a number typed to confirm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from unmoor.errors import UsageError
from unmoor.records import BEHAVIOURS
from unmoor.records.verdict import REWRITES
from unmoor.review.agreement import MACHINE, NO_FINDING
from unmoor.review.audit import audit_lines
from unmoor.review.store import View
from unmoor.review.web.filters import chips, orders, panels, view_words
from unmoor.review.web.render import VERDICTS, render
from unmoor.review.web.sheet import agreement_shown, blank, judged_words, line_shown, sheet_of, stratum_shown
from unmoor.review.web.talk import Talk

if TYPE_CHECKING:
    from unmoor.records.verdict import Verdict
    from unmoor.review.store import Store

__all__ = ["Answer", "Desk", "home_of"]

Asked = Mapping[str, str]

LINES = 40
LINES_BEFORE = 4
"""Lines of the list above the current one."""
TYPED_FROM = 1_000
"""Judging more than this at once takes the number typed out."""
JUDGEMENTS = {value: name for _, value, name, _ in VERDICTS}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a body, the URL that the address bar then shows, and events that the page acts on."""

    body: str = ""
    status: int = 200
    url: str = ""
    events: Mapping[str, Any] = field(default_factory=dict)
    is_page: bool = True


@dataclass(slots=True)
class Desk:
    """A store and who sits before it."""

    store: Store
    run_name: str
    person: str
    is_blind: bool

    def view(self, asked: Asked) -> View:
        """Return the view that a query names; what a view does not have is left out, and of a blind one what would tell."""
        view = View.from_query({name: value for name, value in asked.items() if name != "item"})
        if not (view.blind or self.is_blind):
            return view
        view = replace(view, blind=True, behaviour=None, rule=None, outcome=None, low=None, high=None, waiting=False)
        # Of the sample's rows without a finding no language and no probability is known, which would part them from the others.
        is_telling = view.sample and view.order == "uncertain"
        order, language = "random" if is_telling else view.order, None if view.sample else view.language
        return replace(view, order=order, language=language)

    def frame(self, here: str) -> dict[str, Any]:
        """Return what every whole page shows around itself."""
        return {"run_name": self.run_name, "person": self.person, "blind": self.is_blind, "here": here}


def _number(asked: Asked, name: str, otherwise: int | None = None) -> int:
    text = asked.get(name, "")
    if text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 16:
        return int(text)
    if otherwise is None:
        raise UsageError(f"The request names no {name}. Next: reload the page")
    return otherwise


def _current(desk: Desk, view: View, asked: Asked) -> int | None:
    """Return the item that is asked for, else the first that nobody judged, else the first."""
    wanted = _number(asked, "item", -1)
    if wanted >= 0:
        return wanted
    waiting = desk.store.next(replace(view, verdict="none"), None, 1) if not view.verdict else None
    return waiting if waiting is not None else desk.store.next(view, None, 1)


def _where(view: View, item: int | None) -> str:
    """Return the address of an item in a view."""
    parts = [part for part in (view.to_query(), f"item={item}" if item is not None else "") if part]
    return "/?" + "&".join(parts) if parts else "/"


def home_of(store: Store, *, is_blind: bool) -> str:
    """Return the address that a review begins at: what waits for a person where something does, else everything."""
    waiting = View(waiting=True)
    is_there = not is_blind and store.next(waiting, None, 1) is not None
    return _where(waiting if is_there else View(), None)


def _work(desk: Desk, view: View, item: int | None, *, judged: int | None = None, words: str = "") -> dict[str, Any]:
    """Return what the part of the page with the conversation and the verdict shows; `judged` is the item just judged."""
    query = view.to_query()
    shown = sheet_of(desk.store.item(item), is_blind=view.blind) if item is not None else None
    judged_line = line_shown(desk.store.line(judged), is_blind=view.blind) if judged is not None else None
    return {
        "query": query,
        "item": shown,
        "empty": blank(view),
        "asks_turn": view.blind,
        "judged_line": judged_line,
        "done": words,
        "running": audit_lines(desk.store.audit()) if view.sample else [],
        "say": f"{words} {shown.say if shown else blank(view)['title']}".strip(),
    }


def _fragment(desk: Desk, view: View, item: int | None, *, judged: int | None = None, words: str = "") -> Answer:
    return Answer(render("work", **_work(desk, view, item, judged=judged, words=words)), url=_where(view, item))


def _lines(desk: Desk, view: View, item: int | None) -> dict[str, Any]:
    before = item
    for _ in range(LINES_BEFORE + 1):
        before = desk.store.next(view, before, -1) if before is not None else None
    lines = [line_shown(line, is_blind=view.blind) for line in desk.store.page(view, before, LINES)]
    return {"lines": lines, "current": item, "query": view.to_query(), "out_of_band": False}


def review_page(desk: Desk, asked: Asked) -> Answer:
    """The whole page: filters, list, conversation and verdict."""
    view = desk.view(asked)
    item = _current(desk, view, asked)
    shown = {**desk.frame("/"), **_work(desk, view, item), **_lines(desk, view, item)}
    filters = {"view": view, "view_words": view_words(view), "orders": orders(view), "chips": chips(view)}
    other = [pair for pair in parse_qsl(view.to_query()) if pair[0] != "text"]
    return Answer(render("review", **shown, **filters, other_fields=other))


def item_fragment(desk: Desk, asked: Asked) -> Answer:
    """One item, in the place of the one before."""
    view = desk.view(asked)
    return _fragment(desk, view, _current(desk, view, asked))


def step_fragment(desk: Desk, asked: Asked) -> Answer:
    """The item after or before another one; where there is none, a word that says so."""
    view = desk.view(asked)
    direction = -1 if asked.get("direction") == "-1" else 1
    item = desk.store.next(view, _number(asked, "item"), direction)
    if item is None:
        words = "That was the last in this filter." if direction == 1 else "That is the first in this filter."
        return Answer(status=204, events={"said": {"words": words}})
    return _fragment(desk, view, item)


def lines_fragment(desk: Desk, asked: Asked) -> Answer:
    """The list around an item."""
    view = desk.view(asked)
    return Answer(render("lines", **_lines(desk, view, _current(desk, view, asked))))


def turns_fragment(desk: Desk, asked: Asked) -> Answer:
    """More turns of a long conversation, on one side."""
    talk = _talk(desk, asked)
    block = talk.block(_number(asked, "from"), _number(asked, "to"), open_sides=_open_sides(asked))
    return Answer(render("turns", block=block, asks_turn=False))


def text_fragment(desk: Desk, asked: Asked) -> Answer:
    """More of a long text, on one side."""
    talk, turn = _talk(desk, asked), _number(asked, "turn")
    if not 0 <= turn < len(talk.item.turns):
        raise UsageError(f"The conversation has no turn {turn}. Next: reload the page")
    where = (turn, "reasoning" if asked.get("field") == "reasoning" else "text")
    place = (_number(asked, "from"), _number(asked, "to"))
    return Answer(render("text", part=talk.more_text(where, place, open_sides=_open_sides(asked))))


def _talk(desk: Desk, asked: Asked) -> Talk:
    item = desk.store.item(_number(asked, "item"))
    return Talk(item, is_hidden=desk.view(asked).blind and item.verdict is None)


def _open_sides(asked: Asked) -> str:
    return "back" if asked.get("end") == "back" else "on"


def counts_fragment(desk: Desk, asked: Asked) -> Answer:
    """How many of each, as bars that filter."""
    view = desk.view(asked)
    counts = desk.store.counts(view)
    judged = sum(count for verdict, count in counts["verdicts"].items() if verdict not in {"none", "any"})
    shown = {"items": counts["items"], "judged": judged, "query": view.to_query()}
    waiting = counts["waiting_rows"] if view.waiting else None
    return Answer(render("counts", panels=panels(view, counts), waiting_rows=waiting, **shown))


def all_dialog(desk: Desk, asked: Asked) -> Answer:
    """The question before everything in a filter is judged at once."""
    view = desk.view(asked)
    counts = desk.store.counts(view)
    count, is_of_findings = counts["items"], NO_FINDING not in counts["behaviours"]
    shown = {"count": count, "must_type": count > TYPED_FROM, "typed_from": TYPED_FROM, "query": view.to_query()}
    choices = _choices(desk, view, is_of_findings=is_of_findings)
    return Answer(render("all", **shown, view_words=view_words(view), is_blind=view.blind, choices=choices))


def _choices(desk: Desk, view: View, *, is_of_findings: bool) -> set[str]:
    """Return the verdicts that say something of everything in a view."""
    if view.blind:
        return {"wrong", "skip"}
    return set(JUDGEMENTS) - (set() if is_of_findings and desk.store.is_rewritten_by_apply else REWRITES)


def _judgement(asked: Asked, machine: str) -> tuple[str, str | None]:
    """Return the judgement and the corrected behaviour; naming the behaviour that the machine named is `correct`."""
    number = _number(asked, "behaviour", 0)
    if number:
        if not 1 <= number <= len(BEHAVIOURS):
            raise UsageError(f"There are {len(BEHAVIOURS)} behaviours; {number} is none of them")
        behaviour = list(BEHAVIOURS)[number - 1]
        return "correct", None if behaviour == machine else behaviour
    judgement = asked.get("judgement", "")
    if judgement not in JUDGEMENTS:
        raise UsageError("The request names no verdict. Next: reload the page")
    return judgement, None


def _posted_view(desk: Desk, asked: Asked) -> View:
    return desk.view(dict(parse_qsl(asked.get("view", ""))))


def decide(desk: Desk, asked: Asked) -> Answer:
    """Write a verdict down and go on to the next item that nobody judged."""
    view, item = _posted_view(desk, asked), _number(asked, "item")
    judgement, corrected = _judgement(asked, desk.store.item(item).finding.behaviour)
    desk.store.decide(item, judgement, note=asked.get("note", "").strip(), corrected_behaviour=corrected)
    words = f"{JUDGEMENTS[desk.store.line(item).verdict or judgement]}{f', but {corrected}' if corrected else ''}."
    ahead = view if view.verdict else replace(view, verdict="none")
    following = desk.store.next(ahead, item, 1)
    if following is None:
        following = desk.store.next(ahead, None, 1)
    return _fragment(desk, view, following, judged=item, words=words)


def decide_all(desk: Desk, asked: Asked) -> Answer:
    """Write one verdict down for everything in a filter, if it still holds as many as the person was told."""
    view, count = _posted_view(desk, asked), _number(asked, "count")
    judgement, _ = _judgement({"judgement": asked.get("judgement", "")}, "")
    typed = asked.get("typed", "").strip().replace(",", "")
    if count > TYPED_FROM and typed != str(count):
        raise UsageError(f"{count:,} items are judged only when the number {count} is typed. Nothing was changed")
    desk.store.decide_all(view, judgement, expected_count=count, note=asked.get("note", "").strip())
    answer = _fragment(
        desk, view, desk.store.next(view, None, 1), words=f"{count:,} judged: {judgement}. Undo takes all back."
    )
    return replace(answer, events={"closed": {}, "listed": {}})


def undo(desk: Desk, asked: Asked) -> Answer:
    """Take this person's last verdict back and show its item."""
    return _taken(desk, asked, desk.store.undo(), ("Undone", "Nothing to undo."))


def redo(desk: Desk, asked: Asked) -> Answer:
    """Put back what was undone last and show its item."""
    return _taken(desk, asked, desk.store.redo(), ("Redone", "Nothing to redo."))


def _taken(desk: Desk, asked: Asked, turned: tuple[int | None, Verdict] | None, words: tuple[str, str]) -> Answer:
    done, nothing = words
    if turned is None:
        return Answer(status=204, events={"said": {"words": nothing}})
    view = _posted_view(desk, asked)
    item, verdict = turned
    return _fragment(desk, view, item, judged=item, words=f"{done}: {judged_words(verdict)}.")


def audit_page(desk: Desk, _: Asked) -> Answer:
    """The sampled audit: its running figures, its strata, and the way to the next of its items."""
    strata = desk.store.audit()
    waiting = View(verdict="none", order="random", sample=True, blind=desk.is_blind)
    shown = {
        "lines": audit_lines(strata),
        "strata": [stratum_shown(each) for each in strata],
        "checked": sum(each.checked for each in strata),
        "next_address": _where(waiting, None) if desk.store.next(waiting, None, 1) is not None else "",
        "blind_address": _where(replace(waiting, blind=True), None),
    }
    return Answer(render("audit", **desk.frame("/audit"), **shown))


def agreement_page(desk: Desk, _: Asked) -> Answer:
    """Agreement between people, and between people and the machine."""
    found = desk.store.agreements()
    has_two = any(each.second != MACHINE for each in found)
    shown = {"pairs": [agreement_shown(each) for each in found], "has_two": has_two}
    return Answer(render("agreement", **desk.frame("/agreement"), **shown))
