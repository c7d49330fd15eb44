"""Sequence classifiers of transformers: how much of a text they take, which one answered, and what is said of a damaged one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unmoor.detectors.classifier import load_classifier
from unmoor.detectors.judges import load_judge
from unmoor.detectors.topics import load_topic_classifier
from unmoor.errors import MachineError, UsageError

torch = pytest.importorskip("torch")
LONG = "word " * 300


def make(
    folder: Path, kind: str = "bert", *, positions: int = 64, seed: int = 0, labels: str = "compliance refusal"
) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    names = dict(enumerate(labels.split()))
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    config = AutoConfig.for_model(
        kind, vocab_size=9, max_position_embeddings=positions, id2label=names, pad_token_id=1, **sizes
    )
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    words = {"[UNK]": 0, "[PAD]": 1, "word": 2, "help": 3}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["bert", "roberta", "xlm-roberta"])
def test_a_text_is_cut_to_the_positions_that_a_model_has(tmp_path: Path, kind: str) -> None:
    classifier = load_classifier("The judge", str(make(tmp_path / "one", kind)))
    assert classifier.labels == ("compliance", "refusal")
    assert classifier.scores(LONG)["label"] in classifier.labels


def test_answers_are_remembered_of_a_model_and_not_of_its_name(tmp_path: Path) -> None:
    first, moved, other = (
        load_judge(f"hf:{make(tmp_path / name, seed=seed)}", cache=tmp_path / "opinions.jsonl")
        for name, seed in (("a", 0), ("b", 0), ("a", 1))
    )
    first.opinion("word", "help")
    first._remember(first._key("word", "help"), "refuses")
    assert moved.remembers(("word", "help")), "the same model in another folder"
    assert not other.remembers(("word", "help")), "another one in the same folder"


def test_a_question_that_fails_leaves_the_finding_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unmoor.detectors.classifier._most_tokens", lambda _: None)
    judge = load_judge(f"hf:{make(tmp_path / 'one')}")
    assert judge.opinion("help", LONG) == "unsure"
    assert "cannot be asked" in judge.errors[0]
    topics = load_topic_classifier(f"hf:{make(tmp_path / 'two', labels='weather sports')}", ("weather",))
    with pytest.raises(MachineError, match="cannot be asked"):
        topics(LONG)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 50), "cannot be loaded: .*Next: "),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be loaded: Could not load model .*Next: "),
        (lambda folder: folder.rename(folder.with_name("elsewhere")), "there is no folder"),
    ],
)
def test_a_damaged_model_is_a_usage_error(tmp_path: Path, damage: Any, words: str) -> None:
    damage(make(tmp_path / "one"))
    with pytest.raises(UsageError, match=words):
        load_judge(f"hf:{tmp_path / 'one'}")
