"""From folders of the owner's to packs that stand beside those that ship: with a code, a language and phrase ids of their own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from unmoor.errors import PackError, nearest_name
from unmoor.languages.behaviours import BEHAVIOUR_FILES
from unmoor.languages.pack import Pack, load_pack, pack_codes, phrase_ids

__all__ = ["load_own_packs"]

_SHIPPED = Path(__file__).resolve().parent
_SAME_LANGUAGE = 0.8
"""Share of stop words in common from which two packs are of one language: sister languages share fewer."""


def load_own_packs(folders: Iterable[Path]) -> tuple[Pack, ...]:
    """Load packs of the owner's, each from its folder, which is named by its code; a file that is not there is one without phrases.

    Raises:
        PackError: a folder holds no pack, or one that breaks its contract, or is taken for a pack that ships or was named before,
            or a phrase has the id of another pack's.
    """
    packs: dict[str, Pack] = {}
    taken: dict[str, Path | None] = {}
    for folder in folders:
        home = folder.resolve()
        if not (home / "pack.toml").is_file():
            raise PackError(f"{folder} holds no pack.toml. Next: --pack and the folder of one pack")
        if home.name in (*pack_codes(), *packs):
            raise PackError(
                f'There is a pack "{home.name}" already. Next: give {folder}, and the code in it, another name, '
                f"such as {home.name}-house"
            )
        _check_files(home)
        packs[home.name] = load_pack(home.name, home.parent, may_lack_files=True)
        _check_language(packs[home.name], folder)
        taken = taken or dict.fromkeys(phrase_ids())
        for phrase in packs[home.name].phrases:
            if phrase.id in taken:
                raise _taken(phrase.id, home, taken[phrase.id])
            taken[phrase.id] = home
    return tuple(packs.values())


def _check_files(home: Path) -> None:
    """Raise PackError for a file whose phrases nobody would look for, because no pack has one of that name."""
    known = [f"{file}.toml" for file in ("pack", *BEHAVIOUR_FILES)]
    for name in sorted(path.name for path in home.glob("*.toml")):
        if name not in known:
            raise PackError(
                f"{home.name}/{name} is no file of a pack.{nearest_name(name, known)} Files: {', '.join(known)}. Next: rename it"
            )


def _check_language(pack: Pack, folder: Path) -> None:
    """Raise PackError for a pack that would be taken for a language that another pack tells already."""
    for code in pack_codes() if pack.stop_words else ():
        shared = pack.stop_words & load_pack(code).stop_words
        if len(shared) > _SAME_LANGUAGE * len(pack.stop_words):
            raise PackError(
                f"{folder}: its stop words are those of {code}, so that neither could be told. "
                "Next: stop_words = [], and its phrases are looked for in every text"
            )


def _taken(phrase_id: str, home: Path, other: Path | None) -> PackError:
    """Return the error for a phrase of the pack at `home` with the id of one in the pack at `other`, or in one that ships."""
    others = [other] if other else [_SHIPPED / code for code in pack_codes()]
    first = next(filter(None, (_file_of(phrase_id, one) for one in others)), "a pack")
    ships = "" if other else ", which ships"
    return PackError(
        f"{_file_of(phrase_id, home)}: the phrase id {phrase_id} is that of a phrase in {first}{ships}, and a report could not "
        "tell them apart. Next: give yours another id"
    )


def _file_of(phrase_id: str, home: Path) -> str:
    """Return the file, with its folder's name, in which a pack has that phrase; the empty string if it has none."""
    for file in BEHAVIOUR_FILES:
        path = home / f"{file}.toml"
        said = tomllib.loads(path.read_text(encoding="utf-8-sig")) if path.is_file() else {}
        if any(phrase.get("id") == phrase_id for phrase in said.get("phrase", [])):
            return f"{home.name}/{path.name}"
    return ""
