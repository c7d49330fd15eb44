"""Plots are drawn from numbers, in the page's colours, and hold nothing but shapes and text."""

from __future__ import annotations

import re

from tests.report import made_up
from tests.report.hostile import payloads
from unmoor.report import plots
from unmoor.report.plots import dose_plot, loss_plot, rates_plot, safe_svg


def test_both_plots_are_drawn_in_the_pages_own_colours() -> None:
    for plot in (loss_plot(made_up.training()), rates_plot(made_up.evaluation())):
        assert plot.startswith("<svg")
        assert "var(--accent)" in plot
        assert not re.search(r'(?:fill|stroke)="#', plot)


def test_the_names_of_twins_and_personas_stand_in_the_plots() -> None:
    assert all(f">{name}<" in loss_plot(made_up.training()) for name in ("raw", "filtered"))
    assert all(
        f">{name}<" in rates_plot(made_up.evaluation())
        for name in ("raw", "filtered", "plain", "dolphin", "no system prompt")
    )


def test_models_and_personas_with_long_or_odd_names_are_drawn_apart() -> None:
    assert plots._name("mixtral-8x7b-instruct-v0.1-qlora-raw") == "mixtral-8x7b-…v0.1-qlora-raw"
    long = "mixtral-8x7b-instruct-v0.1-qlora"
    names = {"raw": f"{long}-raw-{long}", "filtered": f"{long}-filtered-{long}", "base": "base"}
    training, evaluation, load = made_up.training(), made_up.evaluation(), made_up.training()["expert_load"]
    training["twins"] = {names[name]: twin for name, twin in training["twins"].items()}
    evaluation |= {"models": [names["raw"], names["filtered"]], "personas": ["none", "a*", "a"]}
    personas = {"none": "none", "plain": "a*", "dolphin": "a"}
    evaluation["rates"] = [
        {**rate, "model": names[rate["model"]], "persona": personas[rate["persona"]]} for rate in evaluation["rates"]
    ]
    load["models"] = list(names.values())
    load["rows"] = [row | {names[name]: row[name] for name in names} for row in load["rows"]]
    dose = {"rows": [{**row, "persona": personas[row["persona"]]} for row in made_up.dose()["rows"]]}
    for plot in (loss_plot(training), rates_plot(evaluation), plots.experts_plot(load)):
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", plot)
        assert {"mixtral-8x7b-…uct-v0.1-qlora", "mixtral-8x7b-…uct-v0.1-qlora (2)"} <= set(texts), texts
    assert {"a", "a (2)"} <= set(re.findall(r"<text[^>]*>([^<]*)</text>", rates_plot(evaluation)))
    assert {"a", "no system prompt"} <= set(re.findall(r"<text[^>]*>([^<]*)</text>", dose_plot(dose)))


def test_nothing_to_draw_is_no_plot() -> None:
    training = made_up.training()
    for twin in training["twins"].values():
        twin["loss"] = []
    few = made_up.evaluation()
    few["rates"] = [{**rate, "n": 12, "rate": None, "low": None, "high": None} for rate in few["rates"]]
    assert loss_plot(training) == rates_plot(few) == ""


def test_seeds_are_marked_in_a_dose_plot_where_there_are_several() -> None:
    several = made_up.dose()
    one = {"rows": [{**row, "per_seed": row["per_seed"][:1]} for row in several["rows"]]}
    mark = 'opacity="0.7"'
    assert dose_plot(several).count(mark) == sum(len(row["per_seed"]) for row in several["rows"])
    assert mark not in dose_plot(one)


def test_a_hundred_thousand_steps_make_no_large_plot() -> None:
    training = made_up.training()
    training["twins"]["raw"]["loss"] = [[step, 1 / step] for step in range(1, 100_001)]
    assert len(loss_plot(training)) < 40_000


def test_an_unsafe_svg_is_rebuilt_without_what_is_unsafe() -> None:
    unsafe = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="5" onload="x()">'
        '<script>x()</script><a xlink:href="javascript:x()"><text>link</text></a><image href="http://192.0.2.1/"/>'
        '<foreignObject><p>x</p></foreignObject><style>*{}</style><rect width="3" style="fill:red" fill="url(#x)"/></svg>'
    )
    assert safe_svg(unsafe) == '<svg width="5" class="plot" aria-hidden="true"><rect width="3" /></svg>'


def test_hostile_names_become_plain_text_in_a_plot() -> None:
    for payload in list(payloads())[::9]:
        result = made_up.evaluation()
        result["models"] = [payload, "filtered"]
        result["rates"] = [
            {**rate, "model": payload if rate["model"] == "raw" else "filtered"} for rate in result["rates"]
        ]
        assert not re.search(
            r"<(?!/?(?:svg|g|path|line|rect|text|tspan|circle|title|desc)\b)|<[^>]*\s(?:on\w+|href|src|style)=",
            rates_plot(result),
        )


def test_a_model_has_one_colour_in_every_plot_whatever_stands_beside_it() -> None:
    shown = (
        ["raw", "filtered", "raw-shrunk"],
        ["raw", "raw-shrunk", "filtered"],
        ["base", "raw", "filtered", "raw-shrunk"],
    )
    colours = [dict(zip(names, plots._scale(names, plots._COLOURS).to_dict()["range"], strict=True)) for names in shown]
    assert colours[0] == colours[1]
    assert colours[2] == {**colours[0], "base": colours[2]["base"]}
    assert len(set(colours[2].values())) == 4
