"""What to look for, language by language: data only. `README.md` in this folder says how a pack is written."""

from unmoor.languages.behaviours import BEHAVIOUR_FILES, TOPICS
from unmoor.languages.expressions import Pattern
from unmoor.languages.fold import fold, fold_character
from unmoor.languages.own_packs import load_own_packs
from unmoor.languages.pack import (
    STRENGTHS,
    WORDS,
    Pack,
    Phrase,
    are_read,
    load_pack,
    load_packs,
    pack_codes,
    pack_topics,
    rule_ids,
)
from unmoor.languages.pattern import LETTERS, NO_START, read_pattern
from unmoor.records import cache_folder

__all__ = [
    "BEHAVIOUR_FILES",
    "LETTERS",
    "NO_START",
    "STRENGTHS",
    "TOPICS",
    "WORDS",
    "Pack",
    "Pattern",
    "Phrase",
    "are_read",
    "cache_folder",
    "fold",
    "fold_character",
    "load_own_packs",
    "load_pack",
    "load_packs",
    "pack_codes",
    "pack_topics",
    "read_pattern",
    "rule_ids",
]
