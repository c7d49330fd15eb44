"""A real tiny model answers one at a time and many at once; what is no model says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from unmoor.errors import UsageError
from unmoor.serving import load_model

pytestmark = pytest.mark.slow

SHORT = [{"role": "user", "content": "Hello"}]
LONG = [
    {"role": "system", "content": "You are brief."},
    {"role": "user", "content": "How do I cook rice for ten people?"},
]


def test_a_batch_gives_the_answers_that_single_chats_get(tiny_base: Path) -> None:
    model = load_model(tiny_base)
    assert model.write_all([SHORT, LONG], 8) == [model.write_all([chat], 8)[0] for chat in (SHORT, LONG)]


def test_an_answer_that_the_model_ended_itself_is_not_cut(tiny_base: Path) -> None:
    model = load_model(tiny_base)
    assert [written.is_cut for written in model.write_all([LONG, SHORT], 8)] == [True, True]
    model.model.generation_config.eos_token_id = list(range(len(model.tokenizer)))
    assert [written.is_cut for written in model.write_all([LONG, SHORT], 8)] == [False, False]


def test_a_streamed_answer_is_the_same_answer(tiny_base: Path) -> None:
    model = load_model(tiny_base)
    assert "".join(model.answer(LONG, 8)).strip() == model.write_all([LONG], 8)[0].text


def test_closing_a_stream_stops_the_model(tiny_base: Path) -> None:
    stream = load_model(tiny_base).answer(LONG, 400)
    next(stream)
    stream.close()
    with pytest.raises(StopIteration):
        next(stream)


def test_router_logits_left_on_by_a_trainer_do_not_break_batches(tiny_base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_base, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "output_router_logits": True}))
    assert len(load_model(folder).write_all([SHORT, LONG], 2)) == 2


def without_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def cut_short(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x00" * 40)


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (shutil.rmtree, "There is no model folder"),
        (without_template, "no chat template"),
        (pickled, "pickled weights can run code"),
        (cut_short, "cannot be loaded as a model"),
        (no_config, "holds no model"),
    ],
)
def test_what_is_no_model_says_why(tiny_base: Path, tmp_path: Path, damage: Callable[[Path], object], why: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_base, folder)
    damage(folder)
    with pytest.raises(UsageError, match=why):
        load_model(folder)


def test_an_adapter_of_another_shape_than_its_base_says_so(tiny_base: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path / "adapter"
    shutil.copytree(tiny_base, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    base = AutoModelForCausalLM.from_pretrained(tiny_base)
    get_peft_model(base, LoraConfig(r=2, target_modules=["v_proj"])).save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "r": 4}))
    with pytest.raises(UsageError, match="adapter cannot be loaded as a model"):
        load_model(folder)


def test_a_persona_s_template_stands_in_for_the_model_s(tiny_base: Path) -> None:
    model = load_model(tiny_base).with_template("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}")
    assert model._prompt([{"role": "user", "content": "Hello"}]) == "<user>Hello"
    with pytest.raises(UsageError, match="template does not work"):
        model.with_template("{% for m in %}")


def test_a_template_of_the_owners_leaves_the_model_its_own(tiny_base: Path) -> None:
    model = load_model(tiny_base)
    own = model.tokenizer.chat_template
    model.with_template("{% for m in messages %}{{ m.content }}{% endfor %}")
    assert model.tokenizer.chat_template == own


def test_a_chat_longer_than_the_context_is_refused(tiny_base: Path) -> None:
    model = load_model(tiny_base)
    chat = [{"role": "user", "content": "rice " * model.context_tokens}]
    size = model.count_tokens(chat)
    assert size > model.context_tokens == 512
    with pytest.raises(UsageError, match=f"has a context of 512 tokens, and was given {size:,}"):
        next(model.answer(chat, 4))
    with pytest.raises(UsageError, match="has a context of 512 tokens"):
        model.write_all([SHORT, chat], 4)


def test_an_answer_ends_where_the_context_does(tiny_base: Path) -> None:
    model = load_model(tiny_base)
    chat = [{"role": "user", "content": "." * 490}]
    room = model.context_tokens - model.count_tokens(chat)
    assert 0 < room < 20
    [whole] = model.write_all([chat], room)
    assert model.write_all([chat], 64) == [whole]
    assert "".join(model.answer(chat, 64)).strip() == whole.text
    assert model.write_all([SHORT, chat], 64) == [*model.write_all([SHORT], 64), whole]
