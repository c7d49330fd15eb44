"""The scripts that train the models still read our own rows as the detectors of today see them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "models" / "detector"


def test_the_script_for_lectures_takes_answers_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    import train_lectures
    from lecture_rows import languages, lecture_rows

    from unmoor.detectors.phrases import Phrases
    from unmoor.languages import load_packs

    phrases = Phrases(load_packs())
    sample = train_lectures.Sample([], [], [], [], [], [], [])
    for language in languages():
        for row in lecture_rows(language)[:20]:
            train_lectures._add(sample, phrases, row)
    assert len(sample.dense) == len(sample.lectures) > 200
    assert 0 < sum(sample.lectures) < len(sample.lectures)


def test_the_weights_for_english_can_be_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    import train_lectures

    path = tmp_path / "lecture.npz"
    np.savez(path, bias=np.array([1.0, 2.0]))
    monkeypatch.setattr(train_lectures, "WEIGHTS", path)
    weights = {"bias": np.array([3.0, 4.0])}
    train_lectures._keep_english(weights)
    assert weights["bias"].tolist() == [1.0, 4.0]
