"""What cannot be seen is shown, what controls is stripped, everything is escaped; numbers are printed honestly."""

from __future__ import annotations

import pytest

from unmoor.report.visible import brief, marked, share, signed_p, size, visible, whole


def test_markup_is_escaped() -> None:
    assert visible("<b>&\"'") == "&lt;b&gt;&amp;&#34;&#39;"


def test_a_bidirectional_override_is_shown_by_its_code_point() -> None:
    assert visible("a\u202eb") == 'a<span class="unseen">U+202E</span>b'


def test_a_run_of_zero_width_characters_is_shown_once_with_its_length() -> None:
    assert visible("\u200b" * 5000) == '<span class="unseen">U+200B ×5000</span>'


def test_control_characters_are_stripped_and_line_separators_become_lines() -> None:
    assert visible("a\x1b[2J\x00\x9b\r\nb\u2028c\td") == "a[2J\nb\nc\td"


def test_emoji_and_accents_are_left_alone() -> None:
    assert visible("❤️ é ß 生 ไทย") == "❤️ é ß 生 ไทย"


def test_marks_are_escaped_inside_and_outside() -> None:
    assert marked("<a><b><c>", [[3, 6]]) == "&lt;a&gt;<mark>&lt;b&gt;</mark>&lt;c&gt;"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.00001, "<0.01%"),
        (0.0016, "0.16%"),
        (0.00994, "0.99%"),
        (0.00996, "1.0%"),
        (0.186, "18.6%"),
        (0.9994, "99.9%"),
        (0.9995, ">99.9%"),
        (0.99999, ">99.9%"),
        (None, "–"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(value: float | None, shown: str) -> None:
    assert share(value) == shown


def test_a_headline_is_brief_only_where_that_is_honest() -> None:
    shown = {
        0.95: "95%",
        0.5: "50%",
        0.099: "9.9%",
        0.994: "99%",
        199 / 200: "99.5%",
        0.996: "99.6%",
        0.0: "0%",
        1.0: "100%",
    }
    assert {value: brief(value) for value in shown} == shown
    assert brief(None) == "–"


def test_counts_sizes_and_p_values() -> None:
    assert (whole(1234567), whole(None)) == ("1,234,567", "–")
    assert (size(0), size(1023), size(1536), size(3 * 2**30), size(None)) == (
        "0 bytes",
        "1,023 bytes",
        "1.5 KiB",
        "3.0 GiB",
        "–",
    )
    assert (signed_p(0.0625), signed_p(1e-9), signed_p(None)) == ("0.0625", "<0.0001", "–")
