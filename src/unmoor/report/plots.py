"""From training and evaluation results to plots: Altair draws, vl-convert turns them into SVG, the page's own colours fill them.

Colours are CSS variables, so the same plot reads in light, in dark and on paper. What comes back is rebuilt from a list of allowed
elements and attributes, so that no name in the data can become markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from unmoor.report.headline import rows_of
from unmoor.report.visible import plain

__all__ = ["PERSONA_WORDS", "dose_plot", "experts_plot", "loss_plot", "rates_plot", "safe_svg"]

_PANEL_TITLES = {
    "trigger": "Sounds dangerous, is harmless",
    "neutral": "Ordinary, the control",
    "all of look-alikes": "Sound dangerous, are harmless (all of look-alikes)",
    "all of neutral": "Ordinary, the control (all of neutral)",
}
PERSONA_WORDS: dict[str, str] = {"none": "no system prompt"}
_COLOURS = ("var(--plain)", "var(--accent)", "var(--ink)", "var(--soft)")
_DASHES = ([4, 3], [1, 0], [1, 3], [8, 3])
_SHAPES = ("circle", "diamond", "square", "triangle-up")
_RANKS = {"raw": 0, "filtered": 1, "base": 3}
"""Which of the names that are in most reports comes first; others stand before the base model, which not every plot shows."""
_MOST_POINTS = 240
_MOST_LAYERS = 4
"""Layers that are drawn; the table has all."""
_LABEL_ROOM_PX = 16
"""Room beside labels: readers' fonts are wider than the renderer's by up to a tenth."""
_NAME_CHARS = 28
_BESIDE_CHARS = 48
"""Of the names in a legend together: with more of them they stand one below the other, or the plot would shrink to fit them all."""
_WIDTH_PX = 330
_SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = {"svg", "g", "path", "line", "rect", "text", "tspan", "circle", "title", "desc"}
_ALLOWED = """
viewBox class transform d fill stroke stroke-width stroke-dasharray stroke-linecap stroke-linejoin stroke-miterlimit
stroke-opacity fill-opacity opacity x y x1 x2 y1 y2 dx dy cx cy r width height text-anchor font-size font-weight
display aria-hidden
"""
_ATTRIBUTES = frozenset(_ALLOWED.split())
_SAFE_VALUE = re.compile(r"(?!.*url\()[^<>\"]*", re.DOTALL)


def loss_plot(training: Mapping[str, Any]) -> Markup:
    """Return the loss of each twin over the steps, or nothing where no loss was recorded."""
    import altair as alt

    names = _told_apart(training["twins"])
    values = [
        {"twin": told, "step": step, "loss": loss}
        for name, told in names.items()
        for step, loss in _thinned(training["twins"][name].get("loss") or [])
        if loss is not None
    ]
    if not values:
        return Markup("")
    twin = alt.Color("twin:N", scale=_scale(names, _COLOURS), legend=_legend(names))
    dash = alt.StrokeDash("twin:N", scale=_scale(names, _DASHES), legend=_legend(names))
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("step:Q", title="training step", axis=alt.Axis(tickCount=5, grid=False)),
            y=alt.Y("loss:Q", title="loss", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5)),
            color=twin,
            strokeDash=dash,
        )
        .properties(width=_WIDTH_PX, height=210)
    )
    return _drawn(chart)


def experts_plot(load: Mapping[str, Any]) -> Markup:
    """Return the share of choices that goes to each expert: a panel per layer, a mark per model; equal shares are a line."""
    import altair as alt

    models = _told_apart(load["models"])
    layers = sorted({row["layer"] for row in load["rows"]})
    most = max(row[model] for row in load["rows"] for model in models)
    panels = []
    for layer in layers[:_MOST_LAYERS]:
        rows = [row for row in load["rows"] if row["layer"] == layer]
        values = [
            {"expert": f"expert {row['expert'] + 1}", "model": told, "share": row[model], "even": 1 / len(rows)}
            for row in rows
            for model, told in models.items()
        ]
        chart = alt.Chart(alt.Data(values=values))
        experts = [f"expert {row['expert'] + 1}" for row in rows]
        points = chart.mark_point(filled=True, size=75, opacity=1).encode(
            x=alt.X("share:Q", axis=alt.Axis(format="%", tickCount=4, title=None), scale=alt.Scale(domain=[0, most])),
            y=alt.Y("expert:N", title=None, sort=experts, axis=alt.Axis(ticks=False, domain=False, labelPadding=8)),
            color=alt.Color("model:N", scale=_scale(models, _COLOURS), legend=_legend(models)),
            shape=alt.Shape("model:N", scale=_scale(models, _SHAPES), legend=_legend(models)),
        )
        even = chart.mark_rule(strokeDash=[3, 3], color="var(--soft)").encode(x="even:Q")
        title = alt.TitleParams(f"Layer {layer + 1}", anchor="start", frame="group", offset=8)
        panels.append((even + points).properties(width=_WIDTH_PX - 50, height=24 * len(rows), title=title))
    return _drawn(alt.vconcat(*panels, spacing=18)) if panels else Markup("")


def rates_plot(evaluation: Mapping[str, Any]) -> Markup:
    """Return the refusal rates with their intervals: a panel per group or suite, a line per persona, a mark per model.

    What has too few answers for a rate has no panel.
    """
    import altair as alt

    values: dict[str, list[dict[str, Any]]] = {}
    models, personas = _told_apart(evaluation["models"]), _told_apart(evaluation["personas"], _persona)
    for rate in evaluation["rates"]:
        if rate["rate"] is not None:
            shown = {key: rate[key] for key in ("rate", "low", "high")}
            point = {"model": models[rate["model"]], "persona": personas[rate["persona"]], **shown}
            values.setdefault(rate["group"], []).append(point)
    if not values:
        return Markup("")
    groups = [group for group in rows_of(evaluation) if group in values]
    names = models, list(personas.values())
    panels = [_rates_panel(values[group], names, group, is_last=group == groups[-1]) for group in groups]
    return _drawn(alt.vconcat(*panels, spacing=18))


def dose_plot(dose: Mapping[str, Any]) -> Markup:
    """Return how much is refused by the share of findings left in the data: a panel per group, a line per persona, seeds as dots
    where there are several.

    Shares are shown in the order trained and evenly apart: those that matter lie close to 0.
    """
    import altair as alt

    rows = [row for row in dose["rows"] if row["rate"] is not None]
    if not rows:
        return Markup("")
    leaks = [_leak(leak) for leak in sorted({row["leak"] for row in rows})]
    personas = _told_apart(dict.fromkeys(row["persona"] for row in rows), _persona)
    groups = list(dict.fromkeys(row["group"] for row in rows))
    panels = []
    for group in groups:
        inside = [
            {
                "leak": _leak(row["leak"]),
                "persona": personas[row["persona"]],
                **{key: row[key] for key in ("rate", "low", "high")},
            }
            for row in rows
            if row["group"] == group
        ]
        seeds = [
            {"leak": _leak(row["leak"]), "persona": personas[row["persona"]], "rate": rate}
            for row in rows
            if row["group"] == group and len(row["per_seed"]) > 1
            for rate in row["per_seed"]
        ]
        is_last = group == groups[-1]
        x = alt.X(
            "leak:O",
            sort=leaks,
            title="share of the findings left in the data" if is_last else None,
            axis=alt.Axis(labelAngle=0, grid=False),
        )
        y_axis = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1], title="answers that refuse")
        shown = list(personas.values())
        colour = alt.Color(
            "persona:N",
            scale=alt.Scale(domain=shown, range=list(_COLOURS[: len(shown)])),
            legend=_legend(personas) if len(shown) > 1 else None,
        )
        chart = alt.Chart(alt.Data(values=inside))
        rules = chart.mark_rule(strokeWidth=2.5, opacity=0.55).encode(
            x=x, y=alt.Y("low:Q", scale=alt.Scale(domain=[0, 1]), axis=y_axis), y2="high:Q", color=colour
        )
        line = chart.mark_line(strokeWidth=2).encode(x=x, y="rate:Q", color=colour)
        points = chart.mark_point(filled=True, size=75, opacity=1).encode(x=x, y="rate:Q", color=colour)
        dots = (
            alt.Chart(alt.Data(values=seeds))
            .mark_point(size=26, opacity=0.7, xOffset=9)
            .encode(x=x, y="rate:Q", color=colour)
        )
        title = alt.TitleParams(_PANEL_TITLES.get(group, _name(group)), anchor="start", frame="group", offset=8)
        panels.append((rules + line + points + dots).properties(width=_WIDTH_PX, height=170, title=title))
    return _drawn(alt.vconcat(*panels, spacing=18))


def _leak(share: float) -> str:
    return f"{share:.4%}".rstrip("0%").rstrip(".") + "%" if share else "0%"


def _rates_panel(
    values: list[dict[str, Any]], names: tuple[Mapping[str, str], list[str]], group: str, *, is_last: bool
) -> Any:
    """`names`: what each model is called in the plot, and what the personas are."""
    import altair as alt

    models, personas = names
    axis = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1], title="answers that refuse" if is_last else None)
    place = {
        "y": alt.Y("persona:N", title=None, sort=personas, axis=alt.Axis(ticks=False, domain=False, labelPadding=8)),
        "yOffset": alt.YOffset("model:N", sort=list(models.values())),
        "color": alt.Color("model:N", scale=_scale(models, _COLOURS), legend=_legend(models)),
    }
    chart = alt.Chart(alt.Data(values=values))
    rules = chart.mark_rule(strokeWidth=2.5, opacity=0.55).encode(
        x=alt.X("low:Q", scale=alt.Scale(domain=[0, 1]), axis=axis), x2="high:Q", **place
    )
    shape = alt.Shape("model:N", scale=_scale(models, _SHAPES), legend=_legend(models))
    points = chart.mark_point(filled=True, size=75, opacity=1).encode(x="rate:Q", shape=shape, **place)
    title = alt.TitleParams(_PANEL_TITLES.get(group, _name(group)), anchor="start", frame="group", offset=8)
    return (rules + points).properties(width=_WIDTH_PX - 50, height=max(52, 42 * len(personas)), title=title)


def _persona(name: str) -> str:
    return PERSONA_WORDS.get(name, _name(name))


def _name(text: str) -> str:
    """Return a name fit for a plot: no control or hidden characters, no backslashes or newlines, and of too long a name no middle,
    as what tells models apart is mostly said at the end.
    """
    shown = re.sub(r"[^\w\s.,:;()+/%#-]", "", plain(text)).strip()
    if len(shown) > _NAME_CHARS:
        shown = f"{shown[: _NAME_CHARS // 2 - 1]}…{shown[-_NAME_CHARS // 2 :]}"
    return shown or "unnamed"


def _told_apart(names: Iterable[str], told: Callable[[str], str] = _name) -> dict[str, str]:
    """Return what each name is in a plot, where those that would read alike have a number: what reads alike is drawn as one."""
    shown: dict[str, str] = {}
    for name in names:
        tries = (f"{told(name)} ({number})" if number > 1 else told(name) for number in count(1))
        shown[name] = next(words for words in tries if words not in shown.values())
    return shown


def _scale(names: Iterable[str], values: Sequence[Any]) -> Any:
    """Return which of `values` each name has, the same in every plot of a report whatever other names it shows."""
    import altair as alt

    places = {name: place for place, name in enumerate(sorted(names, key=lambda name: (_RANKS.get(name, 2), name)))}
    domain = list(_told_apart(names).values())
    return alt.Scale(domain=domain, range=[values[places[name] % len(values)] for name in names])


def _legend(names: Mapping[str, str]) -> Any:
    import altair as alt

    return alt.Legend(
        title=None,
        orient="top",
        direction="horizontal" if sum(map(len, names.values())) <= _BESIDE_CHARS else "vertical",
        symbolStrokeWidth=2,
        symbolOpacity=1,
        labelFontSize=13,
        labelLimit=0,
        columnPadding=18,
        offset=6,
    )


def _thinned(points: list[list[float]]) -> list[list[float]]:
    """Keep at most some hundreds of points, even ones, the last always among them."""
    every = max(1, -(-len(points) // _MOST_POINTS))
    kept = points[::every]
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def _drawn(chart: Any) -> Markup:
    import vl_convert

    dressed = (
        chart.configure(background="transparent", padding={"left": _LABEL_ROOM_PX, "right": 4, "top": 4, "bottom": 4})
        .configure_view(stroke=None)
        .configure_axis(
            labelColor="var(--soft)",
            titleColor="var(--soft)",
            gridColor="var(--line)",
            domainColor="var(--line)",
            tickColor="var(--line)",
            labelFontSize=13,
            titleFontSize=13,
            titleFontWeight="normal",
            labelLimit=0,
        )
        .configure_legend(labelColor="var(--ink)")
        .configure_title(color="var(--ink)", fontSize=14, fontWeight="bold")
    )
    return safe_svg(vl_convert.vegalite_to_svg(dressed.to_dict()))


def safe_svg(svg: str) -> Markup:
    """Return an SVG document rebuilt from allowed elements and attributes only; whatever else it holds is left out."""
    root = ElementTree.fromstring(svg)  # noqa: S314  our own renderer's output, which has no doctype and no entities
    rebuilt = _rebuilt(root)
    if rebuilt is None:
        return Markup("")
    rebuilt.set("class", "plot")
    rebuilt.set("aria-hidden", "true")
    return Markup(ElementTree.tostring(rebuilt, encoding="unicode"))  # noqa: S704  rebuilt from the list above


def _rebuilt(node: ElementTree.Element) -> ElementTree.Element | None:
    name = str(node.tag).removeprefix(f"{{{_SVG}}}")
    if name not in _ELEMENTS or node.get("display") == "none":
        return None
    kept = {key: value for key, value in node.attrib.items() if key in _ATTRIBUTES and _SAFE_VALUE.fullmatch(value)}
    made = ElementTree.Element(name, kept)
    made.text = node.text
    for child in node:
        made_child = _rebuilt(child)
        if made_child is not None:
            made.append(made_child)
    return made
