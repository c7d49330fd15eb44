"""Patterns: what they match, and that the wide form for stage one never misses what the exact form finds."""

from __future__ import annotations

import re

import pytest
import re2

from unmoor.detectors.normalise import normalise
from unmoor.errors import PackError
from unmoor.languages import LETTERS, fold, read_pattern

PATTERNS = [
    "jag (?:kan|vill) (?:tyvärr )?inte hjälpa",
    "désolé,? (?:mais )?je ne peux<gap>(?:aider|faire)",
    "не могу (?:помочь|ответить)<gap>запрос\\p{L}*",
    "抱歉[,，]?(?:但)?我(?:无法|不能).{0,6}帮助",
    "[^.!?]{0,5}straße",
    "죄송(?:하지만|합니다)",
    "no(?:pe)?[.!,]? ?$|(?:declined|denied):",
    "(?:that is )?(?:a )?no<end>",
    "haus(?:es|$)",
    "kind(?:er|ern|es|e|)",
    "ein (?:|kleines )haus(?:es|)",
]
TEXTS = [
    "Jag kan tyvärr inte hjälpa dig.",
    "Désolé, mais je ne peux vraiment pas vous aider.",
    "Я не могу помочь с таким запросом.",
    "抱歉，但我无法为您提供帮助",
    "in der Straße",
    "죄송합니다.",
    "Nope!",
    "That is a no. Next?",
    "Das weiße Haus",
    "Nothing of the kind.",
    "Ein Haus",
    "Eine Geschichte über ein Kind.",
]


@pytest.mark.parametrize("starts_a_word", [False, True])
@pytest.mark.parametrize("source", PATTERNS)
@pytest.mark.parametrize("text", TEXTS)
def test_the_wide_form_finds_all_that_the_exact_form_finds(source: str, text: str, starts_a_word: bool) -> None:
    hyperscan = pytest.importorskip("hyperscan")
    pattern = read_pattern(source, starts_a_word=starts_a_word)
    folded = normalise(text).text
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
    database.compile(expressions=[pattern.wide], ids=[0], flags=[flags])
    found: list[int] = []
    database.scan(b"\0%b\0" % folded.encode(), match_event_handler=lambda number, *_: found.append(number))
    exact = f"(?:^|[^0-9{LETTERS}])(?:{pattern.exact})" if starts_a_word else pattern.exact
    assert found or not re2.search(exact, folded)


@pytest.mark.parametrize(("source", "text"), list(zip(PATTERNS, TEXTS, strict=False)))
def test_each_pattern_finds_its_own_text(source: str, text: str) -> None:
    assert re2.search(read_pattern(source).exact, normalise(text).text)


def test_accents_case_and_width_fold_alike_in_pattern_and_text() -> None:
    assert fold("DÉSOLÉ") == fold("désolé") == fold("de\u0301sole\u0301") == "desole"
    assert fold("ＡＢＣ") == "abc"
    assert fold("für Straße") == "fur strasse"


def test_signs_that_tell_words_apart_stay() -> None:
    assert fold("が") != fold("か")
    assert fold("नहीं") == "नहीं"


@pytest.mark.parametrize(
    ("meaning", "message"),
    [
        ("kan (?:inte", "'kan (?:inte' is not a pattern: brackets do not pair"),
        ("kan <can>", "'kan <can>' refers to itself"),
        ("kan <cann>", 'no shorthand "<cann>". Did you mean "can"'),
    ],
)
def test_a_mistake_in_a_shorthand_is_shown_where_it_was_made(meaning: str, message: str) -> None:
    with pytest.raises(PackError, match=re.escape(message)):
        read_pattern("jag <can>", {"can": meaning})


def _scan(sources: list[str], text: str, *, starts_a_word: bool = False) -> dict[int, list[int]]:
    """Return where the wide forms end in a text, by their place in the list."""
    hyperscan = pytest.importorskip("hyperscan")
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    wide = [read_pattern(source, starts_a_word=starts_a_word).wide for source in sources]
    database.compile(expressions=wide, ids=list(range(len(wide))), flags=[0] * len(wide))
    found: dict[int, list[int]] = {}
    database.scan(
        text.encode(), match_event_handler=lambda number, _, end, *__: found.setdefault(number, []).append(end)
    )
    return found


def test_a_wide_pattern_begins_with_what_tells_something() -> None:
    assert read_pattern("(?:i|we)(?: really)? refuse").wide == rb" refuse".replace(b" ", rb"[ \n]")
    assert read_pattern("bomb(?: really)? now").wide.startswith(b"bomb")
    assert read_pattern("我们(?:真的)?不能").wide.startswith(b"(?:%b)" % "我".encode())
    assert read_pattern("我(?:真的)?不能").wide.startswith(b"(?:%b)" % "不".encode())
    assert read_pattern("bombings? (?:did )?explode").wide.startswith(b"bombings?[")
    assert read_pattern("it is (?:so )?misinformation").wide.endswith(b"misinformation")
    assert not read_pattern("it is (?:so )?misinformation").wide.startswith(b"it")


def test_a_wide_pattern_knows_the_start_of_a_word_and_the_end_of_a_text() -> None:
    assert _scan(["sure"], "\0pressure\0") and not _scan(["sure"], "\0pressure\0", starts_a_word=True)
    assert _scan(["sure"], "\0sure\0", starts_a_word=True) and _scan(["sure"], "\0so:sure\0", starts_a_word=True)
    assert _scan(["(?:really )?sure"], "\0pressure\0", starts_a_word=True), "what came before may be absent"
    assert _scan(["no ?$"], "\0oh no\0") and not _scan(["no ?$"], "\0no, it is\0not far\0")
    assert _scan(["no<end>"], "\0no\0") and _scan(["no<end>"], "\0no. Yes\0") and not _scan(["no<end>"], "\0not\0")


def test_a_wide_pattern_stays_in_a_sentence_where_the_exact_one_must() -> None:
    sources = ["bomb(?: really)? now", r"bomb(?: a\.i\.)? now", "炸弹(?:真的)?现在"]
    assert set(_scan(sources, "the bomb is. now")) == {1}
    assert set(_scan(sources, "the bomb is now")) == {0, 1}
    assert set(_scan(sources, "炸弹没有。现在")) == set()
    assert set(_scan(sources, "炸弹没有〇现在、炸弹。")) == {2}


@pytest.mark.parametrize(
    "source", [r"never \p{L}+", r"never(?: a| \p{L}+)", r"never ever\p{L}*", r"never \p{L}+\p{N}*"]
)
def test_a_scan_tells_of_a_match_and_not_of_every_byte_of_its_end(source: str) -> None:
    assert 1 <= len(_scan([source], "never everlasting")[0]) <= 2
