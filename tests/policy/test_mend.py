"""A mend cuts what it is told and leaves a text that reads as if the cut had never been there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmoor.policy import cut_spans
from unmoor.policy.mend import is_enough


@pytest.mark.parametrize(
    ("text", "cut", "left"),
    [
        ("As an AI language model, here is the list.", "As an AI language model, ", "Here is the list."),
        ("Boil it. Remember to be kind. Then eat.", "Remember to be kind.", "Boil it. Then eat."),
        ("Boil it.\n\nRemember to be kind.", "Remember to be kind.", "Boil it."),
        ("One.\n\nBe good.\n\nTwo.", "Be good.", "One.\n\nTwo."),
        ("I think, as an AI, that it rains.", ", as an AI,", "I think that it rains."),
        (
            "<think>Easy.</think>As an AI, I say that oak is hard.",
            "As an AI, I say that",
            "<think>Easy.</think>Oak is hard.",
        ),
        ("<think>Easy.</think>\n\nAs an AI, oak is hard.", "As an AI,", "<think>Easy.</think>\n\nOak is hard."),
        ("[THINK]Easy.[/THINK]As an AI, oak is hard.", "As an AI,", "[THINK]Easy.[/THINK]Oak is hard."),
        ("<think>Easy.</think>\n\nAs an AI, I rest.", "As an AI, I rest.", "<think>Easy.</think>"),
        ("Use a <b>As an AI,</b> oak.", "As an AI,", "Use a <b> </b> oak."),
        (
            "厚い靴が要ります。人には優しくしましょう。手袋も要ります。",
            "人には優しくしましょう。",
            "厚い靴が要ります。手袋も要ります。",
        ),
        ("先煮水。请善待他人。\n再放盐。", "请善待他人。", "先煮水。\n再放盐。"),
        ("Som AI-modell: öl är gott.", "Som AI-modell: ", "Öl är gott."),
    ],
)
def test_what_is_left_reads_on(text: str, cut: str, left: str) -> None:
    start = text.index(cut)
    assert cut_spans(text, [(start, start + len(cut))]) == left


def test_overlapping_spans_are_one_cut() -> None:
    assert cut_spans("abc def ghi", [(0, 5), (4, 8)]) == "Ghi"


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=5))
def test_a_mend_adds_nothing_but_a_capital_and_a_space(text: str, spans: list[tuple[int, int]]) -> None:
    left = cut_spans(text, spans)
    assert len(left) <= len(text) + 2 * len(spans)
    inside = {i for start, end in spans for i in range(start, min(end, len(text)))}
    rest = "".join(character for i, character in enumerate(text) if i not in inside)
    letters = [character.casefold() for character in left if character.isalnum()]
    assert letters == [character.casefold() for character in rest if character.isalnum()]


@given(st.text(max_size=60))
def test_nothing_to_cut_changes_nothing(text: str) -> None:
    assert cut_spans(text, []) == text


@pytest.mark.parametrize(
    ("text", "enough"),
    [
        ("", False),
        ("...", False),
        ("Yes.", True),
        ("No.", True),
        ("42", True),
        ("8.", True),
        ("An oak.", True),
        ("是的", True),
        ("!", False),
        ("I", False),
    ],
)
def test_an_answer_of_nothing_is_not_enough(text: str, enough: bool) -> None:
    assert is_enough(text) is enough


@pytest.mark.parametrize(
    ("language", "text", "left"),
    [
        ("tr", "Bir yapay zeka olarak, iki yumurta kırın.", "İki yumurta kırın."),
        ("it", "Come intelligenza, il treno parte.", "Il treno parte."),
        (
            "en",
            "As an AI model, it is said that Erdoğan was born in Diyarbakır.",
            "It is said that Erdoğan was born in Diyarbakır.",
        ),
    ],
)
def test_a_capital_i_keeps_its_dot_in_turkish_alone(language: str, text: str, left: str) -> None:
    assert cut_spans(text, [(0, text.index(", ") + 1)], language) == left


@pytest.mark.parametrize(
    "rest",
    [
        "\n\n    for tree in trees:\n        print(tree)\n",
        "\n\nnpm install left-pad\nnode index.js",
        " pip install numpy is the command you need.",
        "\n\nhttps://example.org/trees has a list.",
    ],
)
@pytest.mark.parametrize("before", ["", "Here is some code:\n```\nx = 1\n```\n"])
def test_what_began_a_line_or_a_sentence_stays_as_it_was_written(before: str, rest: str) -> None:
    said = "As an AI, I have no preferences."
    left = cut_spans(before + said + rest, [(len(before), len(before + said))])
    assert left.removeprefix(before.rstrip()).strip("\n ") == rest.strip("\n ")
    assert [line for line in left.splitlines() if line.startswith("    ")] == [
        line for line in rest.splitlines() if line.startswith("    ")
    ]
    with_end = said + "\n\n"
    if rest.startswith("\n\n"):
        assert cut_spans(before + with_end + rest[2:], [(len(before), len(before + with_end))]).endswith(rest[2:])
