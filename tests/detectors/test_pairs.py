"""Mirrored subjects: counted fairly, tested exactly, corrected for many comparisons, silent where there is too little."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import pytest
from scipy import stats

from unmoor.detectors.pairs import MIN_ROWS, Pair, PairCounts, PairedTopic, fisher, load_pairs
from unmoor.errors import UsageError

CATS = Pair("cats and dogs", "cats", "dogs", ("cat", "cats"), ("dog", "dogs"))


def rows(subject: str, total: int, refused: int) -> list[tuple[str, tuple[str, ...]]]:
    return [(f"Tell me about {subject}.", ("refusal.policy",) if i < refused else ()) for i in range(total)]


def paired_topics(rows: Iterable[tuple[str, Collection[str]]], pairs: Iterable[Pair]) -> list[PairedTopic]:
    counts = PairCounts(pairs)
    for request, behaviours in rows:
        counts.add([(request, behaviours)])
    return counts.results()


def test_a_side_that_is_refused_more_often_differs() -> None:
    topic = paired_topics(rows("cats", 100, 40) + rows("dogs", 100, 5), [CATS])[0]
    assert (topic.treatment, topic.verdict) == ("refused", "differs")
    assert topic.a_rate is not None
    assert topic.a_rate[0] == pytest.approx(0.4)
    assert topic.a_rate[1] < 0.4 < topic.a_rate[2]


def test_a_request_is_counted_with_its_own_answer_wherever_it_stands_and_once_a_row() -> None:
    counts = PairCounts([CATS])
    for _ in range(40):
        counts.add(
            [("Praise cats", ()), ("Now dogs", ("refusal.policy",)), ("And dogs again", ()), ("Cats and dogs?", ())]
        )
        counts.add([("Hello", ("moralising",)), ("Describe dogs", ())])
    topic = next(topic for topic in counts.results() if topic.treatment == "refused")
    assert (topic.a_rows, topic.a_found, topic.b_rows, topic.b_found) == (40, 0, 80, 40)


def test_equal_treatment_shows_no_difference() -> None:
    assert {t.verdict for t in paired_topics(rows("cats", 100, 9) + rows("dogs", 100, 8), [CATS])} == {
        "no difference shown"
    }


def test_too_few_rows_are_said_to_be_too_few() -> None:
    topics = paired_topics(rows("cats", MIN_ROWS - 1, 20) + rows("dogs", 500, 0), [CATS])
    assert {(t.verdict, t.p_value, t.a_rate) for t in topics} == {("too few rows", None, None)}


def test_a_request_that_names_both_sides_counts_for_neither() -> None:
    topics = paired_topics([("Are cats better than dogs?", ("refusal.policy",))] * 100, [CATS])
    assert {(t.a_rows, t.b_rows) for t in topics} == {(0, 0)}


def test_words_are_whole_words() -> None:
    assert paired_topics([("Write a catalogue of dogma.", ())] * 50, [CATS])[0].a_rows == 0


@pytest.mark.parametrize(
    ("a", "b", "requests"),
    [
        ("男人", "女人", ("请讲一个关于男人的笑话", "女人为什么")),
        ("ผู้ชาย", "ผู้หญิง", ("เล่าเรื่องผู้ชายให้ฟัง", "เล่าเรื่องผู้หญิงให้ฟัง")),
        ("남자", "여자", ("남자는 왜 웃나요?", "여자가 왜 웃나요?")),
    ],
)
def test_words_are_found_where_no_space_parts_them(a: str, b: str, requests: tuple[str, str]) -> None:
    topics = paired_topics([(request, ()) for request in requests], [Pair("sexes", "a", "b", (a,), (b,))])
    assert {(t.a_rows, t.b_rows) for t in topics} == {(1, 1)}


@pytest.mark.parametrize(
    ("word", "request_"),
    [
        ("İsrail", "israil hakkında yaz"),
        ("İsrail", "Tell me about ISRAIL."),
        ("Filistin", "FİLİSTİN hakkında yaz"),
        ("Filistin", "Fi\u0307listi\u0307n"),
        ("kırmızı", "KIRMIZI bir elma"),
        ("Großmutter", "Erzähle von der GROSSMUTTER."),
        ("ΦΊΛΟΣ", "Ο φίλος μου"),
    ],
)
def test_a_word_is_found_in_whatever_case_it_is_written(word: str, request_: str) -> None:
    for words in ((word, "other"), ("other", word)):
        (topic, *_) = paired_topics([(request_, ())], [Pair("pair", "a", "b", *((each,) for each in words))])
        assert {topic.a_rows, topic.b_rows} == {0, 1}
        assert (topic.a_rows == 1) == (words[0] == word)


def test_chunks_counted_apart_give_what_one_pass_gives() -> None:
    first, second, whole = PairCounts([CATS]), PairCounts([CATS]), PairCounts([CATS])
    for counts, part in ((first, rows("cats", 60, 20)), (second, rows("dogs", 70, 9))):
        for request, behaviours in part:
            counts.add([(request, behaviours)])
            whole.add([(request, behaviours)])
    first.merge(second)
    assert first.results() == whole.results()


@pytest.mark.parametrize("table", [(3, 40, 9, 35), (0, 31, 0, 44), (12, 30, 1, 90), (30, 30, 0, 30)])
def test_fisher_agrees_with_scipy(table: tuple[int, int, int, int]) -> None:
    a, n, b, m = table
    expected = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
    assert fisher(*table) == pytest.approx(expected, rel=1e-6)


def test_many_comparisons_are_corrected_for() -> None:
    many = [Pair(f"pair {i}", "cats", "dogs", ("cat", "cats"), (f"dog{i}",)) for i in range(20)] + [CATS]
    data = rows("cats", 60, 9) + rows("dogs", 60, 2) + [(f"On dog{i}", ()) for i in range(20) for _ in range(40)]
    topic = next(t for t in paired_topics(data, many) if t.pair == "cats and dogs" and t.treatment == "refused")
    assert topic.p_value is not None
    assert topic.p_corrected is not None
    assert topic.p_value < 0.1 < topic.p_corrected


def test_the_list_that_ships_can_be_read() -> None:
    pairs = load_pairs()
    assert len(pairs) >= 10
    assert all(not set(pair.a_words) & set(pair.b_words) for pair in pairs)


def test_a_word_on_both_sides_is_an_error_since_it_would_count_for_neither(tmp_path: Path) -> None:
    path = tmp_path / "pairs.toml"
    path.write_text('[[pair]]\na = { words = ["men", "Boys"] }\nb = { words = ["boys"] }\n')
    with pytest.raises(UsageError, match='pair 1: "boys" stands on both sides'):
        load_pairs(path)


def test_a_word_within_one_of_the_other_side_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "pairs.toml"
    path.write_text('[[pair]]\na = { words = ["Tea"] }\nb = { words = ["coffee", "green tea"] }\n')
    with pytest.raises(UsageError, match='pair 1: "green tea" stands on both sides, as it holds "tea"'):
        load_pairs(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[pair]]\na = { words = "men" }\nb = { words = ["women"] }', "pair 1, side a: expected words = "),
        ('[[pair]]\na = { words = ["men"] }\nb = { words = [5] }', "pair 1, side b: expected words = "),
        ('[[pair]]\na = "men"\nb = "women"', "pair 1, side a: expected a table with name and words, found 'men'"),
        ('[[pair]]\na = { words = ["men"] }', "pair 1, side b: expected words = "),
        ('[pair]\na = { words = ["men"] }\nb = { words = ["women"] }', r"holds no \[\[pair\]\]"),
        ('pair = ["men", "women"]', "pair 1: expected a table with name and a and b, found 'men'"),
        ('[[pair]]\na = { words = ["men", "!"] }\nb = { words = ["women"] }', "side a has no words, or one without"),
    ],
)
def test_a_list_written_otherwise_is_a_clear_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pairs.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        load_pairs(tmp_path / "pairs.toml")


def test_a_side_without_a_name_is_called_by_its_first_word_and_a_pair_by_its_sides(tmp_path: Path) -> None:
    path = tmp_path / "pairs.toml"
    path.write_text('\ufeff[[pair]]\na = { words = ["tea"] }\nb = { words = [" coffee "] }\n', encoding="utf-8")
    (pair,) = load_pairs(path)
    assert (pair.name, pair.a, pair.b, pair.b_words) == ("tea and coffee", "tea", "coffee", ("coffee",))


@pytest.mark.parametrize(
    ("word", "request_", "is_named"),
    [
        ("भारत", "भारतीय खाना कैसे बनता है?", False),
        ("भारत", "मुझे भारत।", True),
        ("thé", "Un the\u0301 vert", True),
        ("the", "Un the\u0301 vert", False),
        ("green tea", "Is green\n  tea hot?", True),
    ],
)
def test_vowel_signs_and_accents_belong_to_their_words_and_lines_may_end_between(
    word: str, request_: str, is_named: bool
) -> None:
    assert paired_topics([(request_, ())], [Pair("x", "a", "b", (word,), ("zzz",))])[0].a_rows == is_named


def test_an_unknown_key_in_a_list_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "pairs.toml"
    path.write_text('[[pair]]\nnmae = "x"\na = { words = ["a"] }\nb = { words = ["b"] }\n')
    with pytest.raises(UsageError, match='Did you mean "name"'):
        load_pairs(path)
