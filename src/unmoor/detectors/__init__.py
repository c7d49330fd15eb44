"""Conversations in, findings out. One way of looking is one file; `load` puts them together.

detector = load()
findings = detector.find(conversation)
"""

from unmoor.detectors.detector import DEFAULT, DETECTORS, Detector, load
from unmoor.detectors.judges import NOT_BELIEVED, SecondOpinion, load_judge, reviewed_all
from unmoor.detectors.own_packs import checked_packs
from unmoor.detectors.own_words import OwnWords
from unmoor.detectors.pairs import MIN_ROWS, PairCounts, PairedTopic, load_pairs
from unmoor.detectors.raw_wordlist import RawWordlist, line_set
from unmoor.detectors.topics import load_topic_classifier
from unmoor.detectors.wordlist import words_around

__all__ = [
    "DEFAULT",
    "DETECTORS",
    "MIN_ROWS",
    "NOT_BELIEVED",
    "Detector",
    "OwnWords",
    "PairCounts",
    "PairedTopic",
    "RawWordlist",
    "SecondOpinion",
    "checked_packs",
    "line_set",
    "load",
    "load_judge",
    "load_pairs",
    "load_topic_classifier",
    "reviewed_all",
    "words_around",
]
