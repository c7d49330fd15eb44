"""From a text to its language: by script, and among Latin ones by stop words. Short or mixed texts may stay `und`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import repeat
from math import fsum
from unicodedata import normalize

from unmoor.languages import Pack, fold
from unmoor.records.patterns import pattern_when_used

__all__ = ["Languages", "scripts_in"]

_SCRIPTS = {
    "Cyrillic": pattern_when_used(r"[\u0400-\u052f]"),
    "Arabic": pattern_when_used(r"[\u0600-\u06ff\u0750-\u077f]"),
    "Devanagari": pattern_when_used(r"[\u0900-\u097f]"),
    "Kana": pattern_when_used(r"[\u3041-\u30ff]"),
    "Han": pattern_when_used(r"[\u4e00-\u9fff]"),
    "Hangul": pattern_when_used(r"[\uac00-\ud7a3\u1100-\u11ff]"),
}
_BEYOND_ASCII = pattern_when_used(r"[^\x00-\x7f]+")
_LETTER = pattern_when_used(r"[a-zA-Z\u00c0-\u024f]")
_WORD = pattern_when_used(r"[^\W\d_]+(?:[\u0900-\u0903\u093a-\u094f\u0962\u0963]+[^\W\d_]*)*(?:'[^\W\d_]+)?")
"""A word of letters and, in Devanagari, of vowel signs, which `re` does not count among letters."""
_ASCII_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_TO_BLANKS = bytes(code if code in _ASCII_LETTERS or code == ord("'") else ord(" ") for code in range(256))
_NO_LETTERS = bytes(code for code in range(256) if code not in _ASCII_LETTERS and code + 32 not in _ASCII_LETTERS)
_MARKS = ",.'?!:¿¡"
"""What stands at a word's edge and is no part of it."""
_SENTENCE_END = pattern_when_used(r"[.!?\u2026]\s|\n")
_SAMPLE = 600
"""Code points looked at: enough for dozens of stop words, little enough to be free."""
_ROUTED, _SHORT = 120, 60
"""Code points at either end that choose the packs; texts so short that a single stop word is evidence."""
_TOLD = 2
"""Words of which a short text without a word of English alone must consist for every Latin pack to be scanned: "Geleceği göremem"
holds no stop word of any language, and such an answer is too short to hold one."""
_INSERTED = 3, 2.0
"""Different stop words of other languages, and what they have to say for one of them, as in a short sentence of it; an English text
with a name in that language has fewer."""
_LETTERS_TOLD = 4
"""Letters of the different stop words by which a text is told to be in a Latin language other than English."""
_BEYOND_A_TO_Z = {
    "Latin": pattern_when_used(r"[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]"),
    "Cyrillic": pattern_when_used(r"[\u0400-\u0481\u048a-\u052f]"),
    "Arabic": pattern_when_used(r"[\u0620-\u063f\u0641-\u064a\u0671-\u06d3]"),
}
_MISSPELT = 4, 0.03
"""Letters that a language is not written with, and their share of the letters of its script, over which a text is in another one:
Vietnamese "thể" folds to the English "the", Czech shares its short words with Polish, and Ukrainian its script with Russian."""
_LEAD = 1.3
"""How much more than for English the words must speak for another Latin language: most short texts in doubt are English."""
_WEIGHT_OF_SCRIPT = 2.5
"""Han, kana and Hangul say in one character what takes Latin letters two or three."""


def scripts_in(text: str) -> tuple[str, ...]:
    """Return the scripts that occur in `text` at all; Latin first."""
    if text.isascii():
        return ("Latin",)
    return ("Latin", *(name for name, pattern in _SCRIPTS.items() if pattern.search(text)))


def _spaced(text: str) -> str:
    for mark in _MARKS:
        if mark in text:
            text = text.replace(mark, " ")
    return text


def _words_of(text: str) -> set[str]:
    return set(_spaced(text).split())


def _words_in(sample: str) -> list[str]:
    lowered = sample.lower()
    if not lowered.isascii():
        return _WORD.findall(fold(lowered))
    words = lowered.encode().translate(_TO_BLANKS)
    if b"'" in words:
        words = b" %b " % words
        words = words.replace(b" '", b" ").replace(b"' ", b" ")
    return words.decode().split()


class Languages:
    """Tells the languages of the packs apart."""

    def __init__(self, packs: Iterable[Pack]) -> None:
        packs = tuple(packs)
        self._for_all = tuple(pack.code for pack in packs if not pack.stop_words)
        packs = tuple(pack for pack in packs if pack.stop_words)
        self._letters = {pack.code: pack.letters for pack in packs}
        self._scripts = {pack.code: pack.script for pack in packs}
        self._by_script: dict[str, list[str]] = {}
        holders: dict[str, list[str]] = {}
        self._latin = dict.fromkeys(pack.code for pack in packs if pack.script == "Latin")
        self._kana = {pack.code for pack in packs if pack.script == "Kana"}
        for pack in packs:
            self._by_script.setdefault(pack.script, []).append(pack.code)
            for word in pack.stop_words:
                holders.setdefault(word, []).append(pack.code)
        self._english = frozenset(word for word, codes in holders.items() if codes == ["en"])
        self._foreign = frozenset(word for word, codes in holders.items() if "en" not in codes)
        self._votes = {**dict.fromkeys(self._english, 1), **dict.fromkeys(self._foreign, -1)}
        self._words = {word: tuple((code, 1.0 / len(codes)) for code in codes) for word, codes in holders.items()}

    def scores(self, text: str) -> defaultdict[str, float]:
        """Return the evidence for each Latin language in the first code points: stop words, shared ones counted in part."""
        return defaultdict(float, self._scored(_words_in(text[:_SAMPLE])))

    def _scored(self, words: Iterable[str]) -> dict[str, float]:
        """Return what words say for each language. They come in an order: of shares added up in another, a bit may differ."""
        scores: dict[str, float] = {}
        known = self._words
        for word in words:
            if word in known:
                for code, weight in known[word]:
                    scores[code] = scores.get(code, 0.0) + weight
        return scores

    def of(self, text: str) -> str:
        """Return the code of the language of `text`, or `und`."""
        sample = text[:_SAMPLE]
        if not sample.isascii():
            code = self._by_other_script(sample)
            if code:
                return code
        words = _words_in(sample)
        if sum(map(self._votes.get, words, repeat(0))) > 0 and self._is_spelt(sample, "en"):
            return "en"  # what else speaks for another language speaks for English as much
        if sample.isascii() and self._is_plainly_english(sample):
            return "en"
        scores = {code: score for code, score in self._scored(words).items() if code in self._latin}
        if not scores:
            return "und"
        english = scores.get("en", 0.0)
        code = max(scores, key=lambda code: (scores[code], code == "en", code))
        if code == "en":
            is_enough = english >= 1.0 or (english >= 0.3 and len(sample) < _SHORT)
            return "en" if is_enough and self._is_spelt(sample, "en") else "und"
        is_ahead = scores[code] >= max(1.0, _LEAD * english)
        return code if is_ahead and self._is_told(words, code) and self._is_spelt(sample, code) else "und"

    def _is_spelt(self, sample: str, code: str) -> bool:
        """Return whether a language is written with nearly all letters of its script that stand in a text."""
        letters, script = self._letters.get(code), self._scripts.get(code)
        if not letters or script not in _BEYOND_A_TO_Z or sample.isascii():
            return True
        found = _BEYOND_A_TO_Z[script].findall(normalize("NFC", sample).lower())
        other = len(found) - sum(map(letters.__contains__, found))
        most, share = _MISSPELT
        return other <= most or other <= share * (len(_LETTER.findall(sample)) if script == "Latin" else len(found))

    def _is_told(self, words: Iterable[str], code: str) -> bool:
        """Return whether two stop words of a language stand there that are more than letters: `y = x + 2` is no Spanish."""
        own = {word for word in words if any(code == held for held, _ in self._words.get(word, ()))}
        return len(own) > 1 and sum(map(len, own)) >= _LETTERS_TOLD

    def _is_plainly_english(self, sample: str) -> bool:
        """Return whether the text holds a word of English alone, and none that English has not: what scoring says, sooner."""
        words = _words_of(sample.lower())
        return words.isdisjoint(self._foreign) and not words.isdisjoint(self._english)

    def _by_other_script(self, sample: str) -> str:
        beyond = "".join(_BEYOND_ASCII.findall(sample))
        if len(beyond) * _WEIGHT_OF_SCRIPT <= len(sample.encode("ascii", "ignore").translate(None, _NO_LETTERS)):
            return ""
        letters = len(_LETTER.findall(sample))
        if len(beyond) * _WEIGHT_OF_SCRIPT <= letters:
            return ""
        counts = {name: len(pattern.findall(beyond)) for name, pattern in _SCRIPTS.items()}
        if counts["Kana"] > 0.1 * (counts["Han"] + counts["Kana"]):
            counts["Kana"] += counts["Han"]
            counts["Han"] = 0
        name, count = max(counts.items(), key=lambda item: item[1])
        if count * _WEIGHT_OF_SCRIPT <= letters:
            return ""
        codes = self._by_script.get(name, [])
        if len(codes) == 1:
            return codes[0] if self._is_spelt(sample, codes[0]) else "und"
        scores = self.scores(sample)
        return max(codes, key=lambda code: scores[code], default="und")

    def route(self, folded: str) -> tuple[str, ...]:
        """Return the packs worth scanning a folded text for: English where there is one, those of its other scripts, and the Latin
        ones that its first and last words speak for more than for English.
        """
        return self.routes([folded])[0]

    def routes(self, folded: Sequence[str]) -> list[tuple[str, ...]]:
        """Return for each of many folded texts the packs worth scanning it for, as `route` does."""
        told = self._told_routes(folded)
        return [(*codes, *self._for_all) for codes in told] if self._for_all else told

    def _told_routes(self, folded: Sequence[str]) -> list[tuple[str, ...]]:
        samples = [text if len(text) <= 2 * _ROUTED else f"{text[:_ROUTED]} {text[-_ROUTED:]}" for text in folded]
        spaced = _spaced("\0".join(samples)).split("\0")
        if len(spaced) != len(samples):  # there are none, or one of them holds a NUL
            spaced = [_spaced(sample) for sample in samples]
        plain = ("en",) if "en" in self._latin else ()
        is_plain, is_not_english = self._foreign.isdisjoint, self._english.isdisjoint
        return [
            plain
            if plain
            and is_plain(said := words.split())
            and text.isascii()
            and (len(text) > _SHORT or len(said) < _TOLD or not is_not_english(said))
            else self._routed(text, set(words.split()), len(sample))
            for text, words, sample in zip(folded, spaced, samples, strict=True)
        ]

    def _routed(self, folded: str, words: set[str], sampled: int) -> tuple[str, ...]:
        codes: list[str] = []
        if not folded.isascii():
            codes += (code for name in scripts_in(folded)[1:] for code in self._by_script.get(name, ()))
        if sampled <= _SHORT and len(words) >= _TOLD and words.isdisjoint(self._english):
            return ("en", *(code for code in self._latin if code != "en"), *codes)
        known = self._words
        foreign = words & self._foreign
        if "en" in self._latin and not foreign:
            return ("en", *codes)
        plainly = len(words & self._english)
        if plainly and plainly >= fsum(known[word][0][1] for word in foreign):
            # words of English alone outweigh all that speaks for another language and not for it; a sentence may be in one
            return ("en", *dict.fromkeys((*self._inserted(foreign), *self._opening(folded))), *codes)
        scores = self._scored(sorted(words))
        english = scores.get("en", 0.0)
        most = max(scores.values(), default=0.0)
        enough = max(english * 1.01, 0.5 * most, 0.9 if sampled > _SHORT else 0.2)
        inserted = {*self._inserted(foreign), *self._opening(folded)} if english == most else ()
        codes += [
            code
            for code, score in scores.items()
            if (score >= enough or code in inserted) and code != "en" and code in self._latin
        ]
        if "en" in self._latin:
            return ("en", *codes)
        return tuple(codes) or tuple(self._latin)

    def _inserted(self, foreign: set[str]) -> Sequence[str]:
        """Return the Latin languages of which so many words stand in an English text as a sentence holds."""
        words, enough = _INSERTED
        if len(foreign) < words:
            return ()
        return [
            code for code, score in self._scored(sorted(foreign)).items() if score >= enough and code in self._latin
        ]

    def _opening(self, folded: str) -> list[str]:
        """Return the Latin languages that the first sentences speak for, up to the first with a word of English alone: an assistant
        declines in the language of the request and goes on in its own.
        """
        words: set[str] = set()
        for sentence in _SENTENCE_END.split(folded[:_ROUTED]):
            said = _words_of(sentence)
            if not said.isdisjoint(self._english):
                break
            words |= said
        if len(words) < _TOLD or words.isdisjoint(self._foreign):
            return []
        scores = self._scored(sorted(words))
        most = max(scores.values())
        return [code for code, score in scores.items() if score >= 0.5 * most and code != "en" and code in self._latin]

    def is_english(self, codes: tuple[str, ...]) -> bool:
        """Return whether a route leads to English alone, apart from packs that are looked for in every text."""
        return self.told_in(codes) == ("en",)

    def told_in(self, route: tuple[str, ...]) -> tuple[str, ...]:
        """Return the languages that a text of this route may be in: without the packs that are looked for in every text."""
        return route[: len(route) - len(self._for_all)]

    def wide_routes(self, folded: Sequence[str]) -> list[tuple[str, ...]]:
        """Return for each text the packs of its route, and every Latin one where not one of its words says English or another."""
        wide = ("en", *(code for code in self._latin if code != "en"), *self._for_all)
        return [
            wide if self.is_english(route) and _words_of(text).isdisjoint(self._english) else route
            for text, route in zip(folded, self.routes(folded), strict=True)
        ]

    def told_beside(self, folded: str, route: tuple[str, ...], beside: tuple[str, ...]) -> tuple[str, ...]:
        """Return the packs worth scanning a folded text for: those of the text beside it where its own words are too few to tell
        ("Oletko ihminen?").
        """
        return beside if self.is_english(route) and len(_spaced(folded).split()) < _TOLD else route

    def accepts(self, pack: str, language: str, sentence: str) -> bool:
        """Return whether a phrase of `pack` may speak for `sentence` in a text in `language`.

        Yes in its own language and where nothing is known; elsewhere if the sentence itself speaks for the pack at least as much
        as for any other language, so that an English refusal inside a Swedish answer counts and a look-alike word does not.
        """
        if language in (pack, "und") or pack in self._for_all:
            return True
        if pack not in self._latin:  # kanji are Han too: in a Japanese text only a sentence without kana may be Chinese
            return language not in self._kana or pack in self._kana or not _SCRIPTS["Kana"].search(sentence)
        scores = self.scores(sentence)
        return scores[pack] > 0 and scores[pack] >= max(scores.values())

    def may_ask(self, pack: str, *, language: str, part: str, is_whole: bool) -> bool:
        """Return whether a phrase of `pack` may speak for a part of a request in `language`: as in an answer, but where nothing is
        known of the whole only if no other language is likelier. Latin letters in another script's text are no look-alikes of its
        words.
        """
        if pack not in self._latin:
            return self.accepts(pack, language, part)
        if language not in self._latin and language != "und":
            return True
        scores = self.scores(part)
        return scores[pack] >= max(scores.values(), default=0.0) and (scores[pack] > 0 or is_whole)
