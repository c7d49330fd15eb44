"""A base that is nowhere is said to be so at once, whatever the hub would have answered after a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake_hub import fake_hub
from unmoor.errors import RecipeError
from unmoor.training.base_model import check_base

RECIPE = Path("sft.yaml")


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hub that nobody answers for, and an empty cache."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("base", ["/nowhere/base", "./base", "../base", "runs/demo/base"])
def test_a_path_that_is_no_folder_asks_no_hub(base: str, no_hub: None) -> None:
    with pytest.raises(RecipeError, match=r"sft\.yaml: there is no base model .*: no such folder\. Next: the path"):
        check_base(base, RECIPE)


def test_a_typing_error_is_told_as_one_though_it_looks_like_a_hub_id(
    no_hub: None, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RecipeError, match=r"no base model runs/nobase: no such folder, and the hub cannot be asked"):
        check_base("runs/nobase", RECIPE)
    assert capfd.readouterr().err == "", "no retries are told"


def test_a_name_that_the_hub_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch, no_hub: None) -> None:
    with fake_hub() as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        with pytest.raises(RecipeError, match=r"no such folder, and the hub shows no model of that name"):
            check_base("runs/nobase", RECIPE)


def test_a_folder_and_a_model_in_the_cache_need_no_hub(tmp_path: Path, no_hub: None) -> None:
    (tmp_path / "base").mkdir()
    assert check_base("base", RECIPE)
    snapshot = tmp_path / "cache" / "models--owner--name" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0" * 40)
    assert not check_base("owner/name", RECIPE)
