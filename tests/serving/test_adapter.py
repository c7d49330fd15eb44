"""An adapter's base is found: the folder or hub id that is loaded with it, and the commit that the hub has of it now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_hub import TOKEN, fake_hub
from unmoor.evaluation.answers import fingerprint
from unmoor.serving.adapter import base_of, commit_of

BASE = "owner/name"


def write_adapter(folder: Path, base: str = BASE) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    return folder


def test_a_whole_model_and_a_broken_adapter_have_no_base(tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    assert base_of(adapter) == BASE
    (adapter / "config.json").write_text("{}")
    assert base_of(adapter) == "", "what is loaded is the model in the folder"
    (tmp_path / "broken").mkdir()
    assert base_of(tmp_path / "broken") == ""
    (tmp_path / "broken" / "adapter_config.json").write_text("[]")
    assert base_of(tmp_path / "broken") == ""


def test_a_base_on_the_hub_is_known_by_its_commit_also_where_the_hub_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    adapter = write_adapter(tmp_path / "adapter")
    with fake_hub() as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        hub.repos[BASE] = {"sha": "1" * 40, "private": False, "files": {}}
        before = fingerprint(adapter)
        hub.repos[BASE]["sha"] = "2" * 40
        assert fingerprint(adapter) != before
        hub.repos[BASE]["sha"] = "1" * 40
        assert fingerprint(adapter) == before
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert commit_of(BASE) == ""
    snapshot = tmp_path / "cache" / "models--owner--name" / "snapshots" / ("1" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("1" * 40)
    assert fingerprint(adapter) == before
