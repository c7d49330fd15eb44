"""From a folder of TOML to a checked pack: phrases with what they must hit and miss, stop words, words that shape an answer."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from unmoor.errors import PackError, nearest_name
from unmoor.languages.behaviours import BEHAVIOUR_FILES
from unmoor.languages.expressions import Pattern
from unmoor.languages.fold import fold
from unmoor.languages.pattern import NO_START
from unmoor.languages.pattern_cache import PatternCache, kept_contents, pattern_path

__all__ = [
    "SCRIPTS",
    "STRENGTHS",
    "Pack",
    "Phrase",
    "are_read",
    "load_pack",
    "load_packs",
    "pack_codes",
    "pack_topics",
    "phrase_ids",
    "rule_ids",
]

_OF_THE_FLOOR = ("floor", "topics")
"""Files whose phrases are looked for in requests and name topics."""

STRENGTHS: dict[str, float] = {"sure": 0.95, "likely": 0.75, "weak": 0.40}
"""How far a phrase alone is believed, 0 to 1; the learned model corrects it where it can."""

PLACES = ("anywhere", "start", "opening", "closing")
"""`start`: of a sentence; `opening`, `closing`: of the answer, two sentences either way."""
SPANS = ("sentence", "match")
SCRIPTS = ("Latin", "Cyrillic", "Arabic", "Devanagari", "Han", "Kana", "Hangul")

_PHRASE_KEYS = {
    "id": str, "behaviour": str, "pattern": str, "why": str, "hits": list, "misses": list,
    "strength": str, "place": str, "span": str, "unless": str, "request": str,
    "unless_request": str, "weighed": bool, "in_latin": bool,
}  # fmt: skip
_PHRASE_NEEDS = ("id", "behaviour", "pattern", "why", "hits", "misses")
_PACK_KEYS = {
    "code": str, "name": str, "version": int, "script": str, "tested": bool,
    "letters": str, "stop_words": list, "shorthand": dict, "words": dict,
}  # fmt: skip
_PACK_NEEDS = ("code", "name", "version", "script", "tested", "stop_words")
WORDS = (
    *("but", "so", "also", "refers", "turn", "though", "verb_first", "task", "join", "say", "recommend", "yes_no"),
    *("blanket", "moral", "deny", "that", "order"),
    *("as", "we", "story", "dialogue", "poem", "asked", "reader", "no", "answer", "note", "question", "user"),
    *("plain", "when", "message"),
)
"""Lists under `[words]`: what opens the sentence with which an answer follows after all; what joins a sentence to the one
before as its reason ("therefore"), or adds to it ("moreover"); what points back at it ("these rules"); what turns a sentence
without a comma before it ("ですが、"); what opens a clause that concedes ("although"), and where the verb comes first after it
("obwohl"); stems of verbs of writing; words of the first list that a sentence stays whole without; what leads from "As an AI,"
to what is said ("I can tell you that"); stems of verbs by which the assistant advises or holds something; what answers yes or
no; what assistants always say that they do not do (legal advice, forecasts); stems of words without which no sentence lectures;
words that deny; what opens a clause that cannot stand alone ("dass");
words of a system prompt that orders the assistant to decline. Then what stands by the character that one speaks as; "we"; stems
by which a story, a dialogue, a poem is asked for; stems of what is said of such a text or of rules, by no character in it;
words that speak to a reader; a bare "no"; labels before a colon: of an answer, a note or warning, a question, who asks;
what says nothing of that which is declined: greetings, regret, helping verbs; days and times of day; stems of
words for a message."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing to look for. `unless` is looked for in the same sentence, `request` and `unless_request` in what was asked before.

    `weighed` says whether the learned model counts it; a phrase that is not decides for its own behaviour alone. `in_latin`
    says that it holds words in Latin letters in a pack of another script, and is looked for wherever English is. English
    has it for words that make assistants nervous in any language.
    """

    id: str
    language: str
    behaviour: str
    pattern: Pattern
    why: str
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    strength: str = "sure"
    place: str = "anywhere"
    span: str = "sentence"
    unless: Pattern | None = None
    request: Pattern | None = None
    unless_request: Pattern | None = None
    weighed: bool = True
    in_latin: bool = False


@dataclass(frozen=True, slots=True)
class Pack:
    """One language, or phrases for any: a pack without stop words tells none, and is looked for in every text.

    `tested` says whether it was measured on others' labels; `letters` are those
    that it is written with beyond a to z, in lower case (none: any).
    """

    code: str
    name: str
    version: int
    script: str
    tested: bool
    stop_words: frozenset[str]
    words: Mapping[str, tuple[str, ...]]
    phrases: tuple[Phrase, ...]
    sha256: str
    letters: frozenset[str] = frozenset()


def pack_codes(folder: Path | None = None) -> tuple[str, ...]:
    """Return the codes of the packs in `folder` (those that ship by default), sorted."""
    return tuple(sorted(path.parent.name for path in (folder or _SHIPPED).glob("*/pack.toml")))


def pack_topics(folder: Path | None = None) -> tuple[str, ...]:
    """Return the topics that the packs in `folder` name as `floor.TOPIC`, sorted; nothing else of a pack is read or checked."""
    named = _named_in(folder, _OF_THE_FLOOR, "behaviour")
    return tuple(name.removeprefix("floor.") for name in named if name.startswith("floor."))


def rule_ids(folder: Path | None = None) -> tuple[str, ...]:
    """Return the ids of the phrases in `folder` by which a behaviour is found, sorted; patterns are neither read nor checked."""
    return _named_in(folder, [file for file in BEHAVIOUR_FILES if file not in (*_OF_THE_FLOOR, "signs")], "id")


def phrase_ids() -> tuple[str, ...]:
    """Return the ids of all phrases of the packs that ship, sorted; patterns are neither read nor checked."""
    return _named_in(None, BEHAVIOUR_FILES, "id")


def _named_in(folder: Path | None, files: Iterable[str], key: str) -> tuple[str, ...]:
    """Return what the phrases in these files of every pack have under `key`, sorted; the cache has it after the first time."""
    names = [f"{code}/{file}" for code in pack_codes(folder) for file in files]
    found = {name: _read((folder or _SHIPPED) / f"{name}.toml", hashlib.sha256()) for name in names}

    def parsed() -> dict[str, Any]:
        contents = [_parsed(f"{name}.toml", data) for name, data in found.items()]
        return {key: sorted({str(phrase.get(key)) for content in contents for phrase in content.get("phrase", [])})}

    return tuple(kept_contents(_parted({"key": key.encode(), **found}), parsed)[key])


def load_packs(codes: Iterable[str] | None = None, folder: Path | None = None) -> tuple[Pack, ...]:
    """Load the packs named, none for an empty list, or without a list all that are there.

    Raises:
        PackError: no such pack, or one that breaks its contract; says file, key and the nearest name.
    """
    return tuple(load_pack(code, folder) for code in dict.fromkeys(pack_codes(folder) if codes is None else codes))


def are_read(codes: Iterable[str] | None = None) -> bool:
    """Return whether the user's cache has the patterns of the packs that ship, of `codes` only if they are given.

    If not, loading them takes seconds. A code that no pack has needs no reading.
    """
    shipped = pack_codes()
    wanted = shipped if codes is None else [code for code in codes if code in shipped]
    hashes = [_parted(_files(_SHIPPED / code)[0]) for code in wanted]
    return all(pattern_path(sha256, file).is_file() for sha256 in hashes for file in BEHAVIOUR_FILES)


@lru_cache(maxsize=128)
def load_pack(code: str, folder: Path | None = None, *, may_lack_files: bool = False) -> Pack:
    """Load one pack. Every file of `BEHAVIOUR_FILES` and pack.toml must be there; each may be without phrases.

    With `may_lack_files` one that is not there is taken for an empty one; pack.toml is needed in any case.

    Raises:
        PackError: no such pack, a missing file, an unknown or missing key, an impossible pattern, an id used twice.
    """
    root = (folder or _SHIPPED) / code
    if not (root / "pack.toml").is_file():
        known = pack_codes(folder)
        raise PackError(
            f'There is no language pack "{code}".{nearest_name(code.lower(), known)} Packs: {", ".join(known)}. '
            "Next: --language with one of these, again for each more, or --pack with the folder of a pack of your own"
        )
    files, sha256 = _files(root, may_lack=may_lack_files)
    parted = _parted(files)
    contents = kept_contents(
        parted, lambda: {file: _parsed(f"{code}/{file}.toml", data) for file, data in files.items()}
    )
    settings = contents["pack"]
    _check_keys(settings, _PACK_KEYS, _PACK_NEEDS, f"{code}/pack.toml")
    if settings["code"] != code:
        raise PackError(f'{code}/pack.toml: the code is that of the folder, "{code}", found "{settings["code"]}"')
    _check_choice(settings["script"], SCRIPTS, f"{code}/pack.toml: script")
    _check_keys(settings.get("words", {}), dict.fromkeys(WORDS, list), (), f"{code}/pack.toml [words]")
    _check_texts({"stop_words": settings["stop_words"]}, f"{code}/pack.toml")
    _check_texts(settings.get("words", {}), f"{code}/pack.toml [words]")
    _check_texts(
        {name: [text] for name, text in settings.get("shorthand", {}).items()}, f"{code}/pack.toml [shorthand]"
    )
    starts_a_word = settings["script"] not in NO_START
    patterns = {
        file: PatternCache(parted, file, settings.get("shorthand"), starts_a_word=starts_a_word)
        for file in BEHAVIOUR_FILES
    }
    found = {file: _phrases(file, contents[file], settings, patterns[file]) for file in BEHAVIOUR_FILES}
    _check_ids(found, code)
    for cache in patterns.values():
        cache.keep()
    return Pack(
        code=code,
        name=settings["name"],
        version=settings["version"],
        script=settings["script"],
        tested=settings["tested"],
        stop_words=frozenset(map(fold, settings["stop_words"])),
        words={name: tuple(map(fold, words)) for name, words in settings.get("words", {}).items()},
        phrases=tuple(phrase for phrases in found.values() for phrase in phrases),
        sha256=sha256,
        letters=frozenset(settings.get("letters", "")),
    )


_SHIPPED = Path(__file__).resolve().parent


def _files(root: Path, *, may_lack: bool = False) -> tuple[dict[str, bytes], str]:
    """Return the files of a pack by name, and the SHA-256 over all of them."""
    digest = hashlib.sha256()
    wanted = ("pack", *BEHAVIOUR_FILES)
    return {file: _read(root / f"{file}.toml", digest, may_lack=may_lack) for file in wanted}, digest.hexdigest()


def _parted(files: Mapping[str, bytes]) -> str:
    """Return the hash of the files one by one: that of them all is the same where text moved from one to the next."""
    return hashlib.sha256(b"".join(hashlib.sha256(data).digest() for data in files.values())).hexdigest()


def _read(path: Path, digest: Any, *, may_lack: bool = False) -> bytes:
    name = f"{path.parent.name}/{path.name}"
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        if may_lack:
            return b""
        raise PackError(f"{name} is missing; every pack has {', '.join(['pack', *BEHAVIOUR_FILES])}") from error
    digest.update(data)
    return data


def _parsed(name: str, data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{name}: not TOML in UTF-8: {error}") from error


def _phrases(file: str, content: dict[str, Any], settings: dict[str, Any], patterns: PatternCache) -> list[Phrase]:
    name = f"{settings['code']}/{file}.toml"
    _check_keys(content, {"phrase": list}, (), name)
    phrases = []
    for number, values in enumerate(content.get("phrase", []), 1):
        where = f"{name}: phrase {values.get('id') or number}"
        _check_keys(values, _PHRASE_KEYS, _PHRASE_NEEDS, where)
        phrases.append(_phrase(values, settings, where, patterns))
    return phrases


def _phrase(values: dict[str, Any], settings: dict[str, Any], where: str, known: PatternCache) -> Phrase:
    behaviours = BEHAVIOUR_FILES[where.partition("/")[2].partition(".toml")[0]]
    if not (values["behaviour"].startswith("floor.") and "floor.*" in behaviours):
        _check_choice(values["behaviour"], behaviours, f"{where}: behaviour")
    _check_choice(values.get("strength", "sure"), STRENGTHS, f"{where}: strength")
    _check_choice(values.get("place", "anywhere"), PLACES, f"{where}: place")
    _check_choice(values.get("span", "sentence"), SPANS, f"{where}: span")
    if not values["hits"] or not values["misses"]:
        raise PackError(f"{where}: needs at least one sentence under hits and one under misses")
    wrong = next((example for example in (*values["hits"], *values["misses"]) if not isinstance(example, str)), None)
    if wrong is not None:
        raise PackError(f"{where}: hits and misses are sentences, found {wrong!r}")
    try:
        patterns = {
            key: known.pattern(values[key])
            for key in ("pattern", "unless", "request", "unless_request")
            if key in values
        }
    except PackError as error:
        raise PackError(f"{where}: {error}") from error
    return Phrase(
        id=values["id"],
        language=settings["code"],
        behaviour=values["behaviour"],
        pattern=patterns["pattern"],
        why=values["why"],
        hits=tuple(values["hits"]),
        misses=tuple(values["misses"]),
        strength=values.get("strength", "sure"),
        place=values.get("place", "anywhere"),
        span=values.get("span", "sentence"),
        unless=patterns.get("unless"),
        request=patterns.get("request"),
        unless_request=patterns.get("unless_request"),
        weighed=values.get("weighed", True),
        in_latin=values.get("in_latin", False),
    )


def _check_keys(values: Any, known: Mapping[str, type], needed: Iterable[str], where: str) -> None:
    if not isinstance(values, dict):
        raise PackError(f"{where}: expected a table, found {type(values).__name__}")
    for key, value in values.items():
        if key not in known:
            raise PackError(f'{where}: unknown key "{key}".{nearest_name(key, known)}')
        if not isinstance(value, known[key]):
            raise PackError(f'{where}: "{key}" should be {known[key].__name__}, found {type(value).__name__}')
    for key in needed:
        if key not in values:
            raise PackError(f'{where}: the key "{key}" is missing')


def _check_texts(lists: Mapping[str, Sequence[Any]], where: str) -> None:
    for name, members in lists.items():
        for member in members:
            if not isinstance(member, str):
                raise PackError(f'{where}: "{name}" should be text, found {member!r}')


def _check_choice(value: str, known: Iterable[str], where: str) -> None:
    if value not in known:
        raise PackError(f'{where}: "{value}" is not one of {", ".join(known)}.{nearest_name(value, known)}')


def _check_ids(found: Mapping[str, Sequence[Phrase]], code: str) -> None:
    seen: dict[str, str] = {}
    for file, phrases in found.items():
        for phrase in phrases:
            if phrase.id in seen:
                where = f"in {code}/{seen[phrase.id]}.toml and again in {code}/{file}.toml"
                raise PackError(f"The phrase id {phrase.id} is used twice: {where}. Next: give one of them another id")
            seen[phrase.id] = file
