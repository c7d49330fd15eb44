"""From folders of the owner's packs to packs that find what they say they find: each phrase is held against its own examples."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from unmoor.detectors.phrases import Phrases
from unmoor.errors import PackError
from unmoor.languages import BEHAVIOUR_FILES, Pack, Phrase, load_own_packs

__all__ = ["checked_packs"]


def checked_packs(folders: Iterable[Path]) -> tuple[Pack, ...]:
    """Load packs of the owner's, each from its folder, and hold every phrase against its hits and misses.

    Raises:
        PackError: as for `load_own_packs`, or a phrase does not find one of its hits or finds one of its misses.
    """
    packs = load_own_packs(folders)
    for pack in packs:
        _check_examples(pack)
    return packs


def _check_examples(pack: Pack) -> None:
    phrases = Phrases((pack,))
    for number, phrase in enumerate(pack.phrases):
        missed = next((hit for hit in phrase.hits if not phrases.holds(number, hit)), None)
        if missed is not None:
            raise _wrong(phrase, f'should find "{missed}", which stands under its hits', "hits")
        found = next((miss for miss in phrase.misses if phrases.holds(number, miss)), None)
        if found is not None:
            raise _wrong(phrase, f'should not find "{found}", which stands under its misses', "misses")


def _wrong(phrase: Phrase, what: str, list_name: str) -> PackError:
    file = next((name for name, held in BEHAVIOUR_FILES.items() if phrase.behaviour in held), "floor")
    return PackError(
        f"{phrase.language}/{file}.toml: phrase {phrase.id} {what}. Next: mend its pattern, or the sentence under {list_name}"
    )
