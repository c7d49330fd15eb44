"""From a text to the ways in which a reader may take it: marks in and around words passed over, letters one by one joined.

A topic is recognised by its words. A name with a mark in it (`chemical_weapons`), a word that is spelt out and one item of a list
after the other say the same to a person and to a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

__all__ = ["in_one_line", "readings", "unescaped"]

_PARTS = r"\s.!?…:;,|。！？，、；：؟।"
_LINES_APART = re.compile(rf"(?<=[^{_PARTS}])\s+(?=[^{_PARTS}])(?![-*+•#>])")
"""Space between two words that belong together: no mark stands before it, and none of a list, a heading or a quote after it."""
_SPACE_IN_A_WORD = re.compile(r"(?<=[\u3040-\u30ff\u4e00-\u9fff])\s+(?=[\u3040-\u30ff\u4e00-\u9fff])")
"""Space in a script that is written without."""
_DASHES = r"\-\u2010-\u2015"
_SIGNS = rf"_/\\+=~*#&%^$@\"“”„«»‹›()\[\]{{}}<>·•‧\u2190-\u2bff\U0001f000-\U0001faff{_DASHES}"
_MARKS = re.compile(rf"[{_SIGNS}]+|['‘’](?:(?<!\w.)|(?!\w))|[.:](?<=\w.)(?=[^\W\d_A-Z])")
"""What may stand in a name or around a word and ends no sentence."""
_BETWEEN = re.compile(r"(?<=[^\W\d_])(?:[ \t]*[,;|，、；،؛])+[ \t]*(?=[^\W\d_])")
"""A mark between two words of one line that ends no sentence. A colon parts a label from what is said of it: "Bio: Agent"."""
_CAPITAL = re.compile(r"[A-Z](?<=[a-z].)")
"""Where a name such as `nerveAgent` goes on."""
_IN_A_WORD = re.compile(rf"[·•‧{_DASHES}](?<=[^\W\d_].)\n?(?=[^\W\d_])")
"""A mark within a word; a dot or an underscore would join what belongs apart in a program."""
_LETTERS = re.compile(rf"(?<![^\W_])[^\W\d_]([\s._/+*|,;:·•{_DASHES}]{{1,3}})[^\W\d_](?:\1[^\W\d_])+(?![^\W_])")
"""Three letters and more that stand alone, with the same between them."""
_TWO_WORDS_CHARS, _WORD_LEAST = 24, 3
"""Letters that may be two words without a sign between them, and letters of the shorter: all places are tried, which takes time."""
_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|([\"\\/bfnrt]))")
"""An escape of JSON, also of JSON in JSON, where every backslash is written as two and more."""
_BLANKS = dict.fromkeys("bfnrt", "\n")
_ITEM = re.compile(r"^[ \t>]*(?:[-*+•‣◦#]+|\(?(?:\d{1,3}|[A-Za-z])[.)])[ \t]+(\S.*)$", re.MULTILINE)
_FIRST_WORD = re.compile(r"\W*(\w[\w'’-]*)")
_LAST_WORD = re.compile(r"(\w[\w'’-]*)[*_`\"'”’),;]*\s*$")
_WORD_CHARS = 60
"""Code points at the ends of an item within which a word is looked for, which bounds the time that it takes."""


def readings(text: str) -> set[str]:
    """Return a text and the ways in which it may be read: most texts have two or three."""
    spelt = {text, unescaped(text)}
    if any(map(_LETTERS.search, spelt)):
        spelt |= {_LETTERS.sub(how, read) for read in spelt for how in (_as_word, _after_an_article)}
    lines = set(map(in_one_line, spelt | {_IN_A_WORD.sub("", whole) for whole in spelt}))
    apart = {_CAPITAL.sub(r" \g<0>", _MARKS.sub(" ", line)) for line in lines}
    apart |= {_SPACE_IN_A_WORD.sub("", _BETWEEN.sub(" ", line)) for line in apart}
    items = _ITEM.findall(text)
    listed = (*_over_items(items), *_spelt_out(text), *_spelt_out("\n".join(items)))
    return {text, *lines, *apart, "\n".join(listed)} - {""}


def unescaped(text: str) -> str:
    """Return JSON text with the characters that its escapes stand for, however deep JSON stands in JSON; it need not be valid."""
    if "\\" not in text:
        return text
    read = _ESCAPE.sub(_character, text)
    return read.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _BLANKS.get(escape[2], escape[2])


def in_one_line(text: str) -> str:
    """Return a text with one blank for the space, of line breaks too, between words that belong together."""
    return _LINES_APART.sub(" ", _SPACE_IN_A_WORD.sub("", text))


def _as_word(letters: re.Match[str]) -> str:
    return letters[0].replace(letters[1], "")


def _after_an_article(letters: re.Match[str]) -> str:
    word = _as_word(letters)
    return f"{word[0]} {word[1:]}"


def _spelt_out(text: str) -> Iterator[str]:
    """Yield what is spelt out letter by letter, as one word and, where it is short enough, as any two."""
    for letters in _LETTERS.finditer(text):
        word = _as_word(letters)
        yield word
        if len(word) <= _TWO_WORDS_CHARS:
            yield from (f"{word[:at]} {word[at:]}" for at in range(_WORD_LEAST, len(word) - _WORD_LEAST + 1))


def _over_items(items: Sequence[str]) -> Iterator[str]:
    """Yield the last word of each item of a list with the first of the next, unless they look like two sentences."""
    for before, after in pairwise(items):
        last, first = _LAST_WORD.search(before[-_WORD_CHARS:]), _FIRST_WORD.match(after[:_WORD_CHARS])
        if last and first and (len(before.split()) == 1 or not first[1][0].isupper()):
            yield f"{last[1]} {first[1]}"
