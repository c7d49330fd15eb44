"""Texts of one subject come into one group, the same way each time."""

from __future__ import annotations

import random
from collections import Counter

from unmoor.report.grouping import MOST_GROUPS, group

SUBJECTS = {
    "sea": ["tide", "harbour", "sail", "wave", "anchor", "gull", "mast", "shore"],
    "bread": ["flour", "yeast", "oven", "crust", "dough", "knead", "loaf", "rye"],
    "wool": ["sheep", "spindle", "loom", "yarn", "felt", "carpet", "dye", "weave"],
}


def _texts(count: int, seed: int) -> tuple[list[frozenset[str]], list[str]]:
    rng = random.Random(seed)
    names = [rng.choice(list(SUBJECTS)) for _ in range(count)]
    noise = [f"noise{number}" for number in range(1_000)]
    return [frozenset(rng.sample(SUBJECTS[name], 3) + rng.sample(noise, 2)) for name in names], names


def test_a_group_holds_one_subject_and_is_named_by_its_words() -> None:
    texts, names = _texts(400, seed=3)
    grouping = group(texts)
    pure = 0
    for index, terms in enumerate(grouping.terms):
        inside = Counter(name for name, label in zip(names, grouping.labels, strict=True) if label == index)
        if inside:
            subject, rows = inside.most_common(1)[0]
            pure += rows
            assert rows < 10 or terms[0] in SUBJECTS[subject]
    assert pure > 0.95 * len(texts)


def test_no_group_is_named_by_a_word_of_one_of_its_texts() -> None:
    texts, _ = _texts(400, seed=9)
    grouping = group(texts)
    for index, terms in enumerate(grouping.terms):
        held = Counter(w for text, label in zip(texts, grouping.labels, strict=True) if label == index for w in text)
        assert all(held[term] > 1 for term in terms), terms


def test_the_same_texts_are_grouped_the_same_way() -> None:
    texts, _ = _texts(300, seed=4)
    assert group(texts) == group(texts)


def test_a_few_texts_are_no_groups() -> None:
    assert group(_texts(29, seed=5)[0]).terms == []
    assert group([]).labels == []


def test_a_text_without_a_word_that_another_has_is_in_no_group() -> None:
    texts, _ = _texts(100, seed=6)
    assert group([*texts, frozenset({"alone"}), frozenset()]).labels[-2:] == [-1, -1]


def test_texts_that_are_all_the_same_are_one_group() -> None:
    assert set(group([frozenset({"tide", "wave"})] * 100).labels) == {0}


def test_groups_do_not_grow_without_end() -> None:
    rng = random.Random(7)
    words = [f"word{number}" for number in range(900)]
    grouping = group([frozenset(rng.sample(words, 5)) for _ in range(5_000)])
    assert len(grouping.terms) == MOST_GROUPS
    assert max(grouping.labels) < MOST_GROUPS
