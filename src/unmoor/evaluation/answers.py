"""From models, personas and prompts to answers: each asked once, kept as JSON Lines, never asked again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event
from typing import BinaryIO

from unmoor.errors import MachineError, RunFolderError, UsageError
from unmoor.evaluation.suite import Prompt
from unmoor.records import Conversation, Turn
from unmoor.run_folder import hash_file, machine_errors, write_atomic
from unmoor.serving import Persona
from unmoor.serving.adapter import base_of, commit_of
from unmoor.serving.local_model import LocalModel, Message, Written
from unmoor.serving.remote_model import RemoteModel

__all__ = ["Answer", "Asked", "ask", "ask_server", "conversation_of", "fingerprint", "read_answers"]

Asked = Callable[[int], None]
"""Called with the number of answers that have just come in."""


_PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before a question is asked again."""
_NAMED = 5
"""Prompts that an error names."""
_OF_THE_MODEL = (
    *("*.safetensors", "config.json", "adapter_config.json", "generation_config.json"),
    *("tokenizer*", "*.jinja", "vocab.*", "merges.txt", "added_tokens.json", "special_tokens_map.json"),
)
"""The files of a model's folder that its answers come from."""
_GREEDY = {"temperature": 0.0}
"""A server draws by itself: vLLM as the model's folder says, llama.cpp and Ollama at 0.8."""
_FINAL = (400, 401, 403, 404, 413)
"""Statuses that asking again does not change."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said to one prompt under one persona.

    `key` stands for the model's weights, the words asked and the length allowed; `is_cut` says that this length was too short,
    `is_drawn` that a server would not answer greedily, so that it may answer otherwise when asked again, `is_withheld` that its
    own filter kept the answer back.
    """

    key: str
    model: str
    persona: str
    group: str
    id: str
    prompt: str
    answer: str
    suite: str = ""
    is_cut: bool = False
    is_drawn: bool = False
    is_withheld: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt under one persona for one model."""

    key: str
    model: str
    persona: Persona
    prompt: Prompt

    def chat(self) -> list[Message]:
        """Return the messages to send."""
        system = [{"role": "system", "content": self.persona.system}] if self.persona.system else []
        return [*system, {"role": "user", "content": self.prompt.text}]

    def answered(self, written: Written, *, is_drawn: bool = False) -> Answer:
        """Return the record of this question and its answer."""
        prompt = self.prompt
        place = (self.key, self.model, self.persona.name, prompt.group, prompt.id, prompt.text)
        return Answer(*place, written.text, prompt.suite, written.is_cut, is_drawn, written.is_withheld)

    def again(self, kept: Answer) -> Answer:
        """Return an answer that was kept, as the answer to this question."""
        return self.answered(Written(kept.answer, kept.is_cut, kept.is_withheld), is_drawn=kept.is_drawn)


def fingerprint(folder: Path | RemoteModel) -> str:
    """Return a hash of a model's weights and of what stands between them and words (tokenizer, chat template, settings of
    generation): answers of a model that was trained anew, or is asked in another template, are not taken for its own.

    Of an adapter its base counts too: the base's files where it is a folder, its commit where it is on the hub. Of a server only
    its URL and the model's name are known; it may serve other weights under the same name.
    """
    whole = hashlib.sha256()
    if isinstance(folder, RemoteModel):
        return hashlib.sha256(json.dumps([folder.url, folder.name, _GREEDY]).encode()).hexdigest()
    base = base_of(folder)
    for place in (folder, Path(base)) if base and Path(base).is_dir() else (folder,):
        for path in sorted({path for pattern in _OF_THE_MODEL for path in place.glob(pattern)}):
            whole.update(hash_file(path).encode())
    if base and not Path(base).is_dir():
        whole.update(commit_of(base).encode())
    return whole.hexdigest()


def questions(
    name: str, weights: str, personas: Sequence[Persona], suite: Sequence[Prompt], tokens: int
) -> list[Question]:
    """Return every question for one model, personas first, each with the key that its answer is kept under."""
    asked = []
    for persona in personas:
        for prompt in suite:
            words = json.dumps([weights, persona.system, prompt.text, tokens])
            key = hashlib.sha256(words.encode()).hexdigest()[:16]
            asked.append(Question(key, name, persona, prompt))
    return asked


def ask_server(
    wanted: Sequence[Question], model: RemoteModel, file: Path, limits: tuple[int, int], asked: Asked
) -> None:
    """Ask a server the questions, some at once and for greedy answers, and append each answer to `file` as it comes; `limits` is
    (new tokens, how many at once).

    What may pass (a busy or restarting server, half a stream) is asked again, four times with growing pauses. A server that takes
    no temperature is asked without. Where it is interrupted, no further question is asked, and the answers to those that were are
    kept.

    Raises:
        MachineError: a question was not answered; those that were are kept, and not asked again by the next call.
    """
    max_new_tokens, concurrency = limits
    server = _Server(replace(model, sampling=_GREEDY))
    failed: list[tuple[str, MachineError]] = []
    stopping = Event()
    with ThreadPoolExecutor(concurrency) as pool, file.open("ab") as out:
        waiting = {pool.submit(_answer_of, server, question, max_new_tokens, stopping): question for question in wanted}
        unwritten = set(waiting)
        try:
            for done in as_completed(waiting):
                try:
                    answer = done.result()
                except MachineError as error:
                    failed.append((waiting[done].prompt.id, error))
                    stopping.set()
                    for other in waiting:
                        other.cancel()
                    continue
                except CancelledError:
                    continue
                _write(answer, out, file)
                unwritten.discard(done)
                asked(1)
        except BaseException as error:  # an interruption, for instance: what was asked by now is paid for, and kept
            stopping.set()
            pool.shutdown(cancel_futures=True)
            if not isinstance(error, MachineError):  # else the disk is full
                for done in unwritten:
                    if not done.cancelled() and done.exception() is None:
                        _write(done.result(), out, file)
            raise
    if failed:
        name, why = failed[0]
        raise MachineError(
            f"{why}. The question was {name}, and what was answered is kept; the same command goes on from there"
        ) from why


def _write(answer: Answer, out: BinaryIO, file: Path) -> None:
    with machine_errors(f"Writing {file}"):
        out.write((json.dumps(asdict(answer), ensure_ascii=False) + "\n").encode(errors="replace"))
        out.flush()


class _Server:
    """A model behind a URL, asked without what its server has refused once."""

    def __init__(self, model: RemoteModel) -> None:
        self.model = model

    def write(self, chat: Sequence[Message], max_new_tokens: int) -> tuple[Written, RemoteModel]:
        """Return an answer, and the model as it was asked for it."""
        model = self.model
        while True:
            try:
                written = model.write(chat, max_new_tokens)
            except MachineError as error:
                other = model.without_refused(error)
                if other is None:
                    raise
                model = other
            else:
                self.model = model
                return written, model


def _answer_of(server: _Server, question: Question, max_new_tokens: int, stopping: Event) -> Answer:
    """Return the answer to one question, asked again where that may help, but not once all are to stop."""
    for pause in (*_PAUSES, None):
        try:
            written, asked = server.write(question.chat(), max_new_tokens)
            return question.answered(written, is_drawn=asked.sampling != _GREEDY)
        except MachineError as error:
            if pause is None or any(f"answers {status}:" in str(error) for status in _FINAL) or stopping.wait(pause):
                raise
    raise AssertionError("the last pause is None")


def ask(wanted: Sequence[Question], model: LocalModel, file: Path, limits: tuple[int, int], asked: Asked) -> None:
    """Ask `model` the questions and append the answers to `file`, batch by batch; `limits` is (new tokens, batch
    size).

    Raises:
        UsageError: a question is longer than the model's context; none is asked then.
        MachineError: the disk is full or fails.
    """
    max_new_tokens, batch_size = limits
    _check_lengths(wanted, model)
    ordered = sorted(wanted, key=lambda question: len(question.persona.system) + len(question.prompt.text))
    for start in range(0, len(ordered), batch_size):
        batch = ordered[start : start + batch_size]
        answers = [
            question.answered(written)
            for question, written in zip(
                batch, model.write_all([question.chat() for question in batch], max_new_tokens), strict=True
            )
        ]
        lines = [json.dumps(asdict(answer), ensure_ascii=False) for answer in answers]
        with machine_errors(f"Writing {file}"), file.open("ab") as out:
            out.write(("\n".join(lines) + "\n").encode(errors="replace"))
        asked(len(batch))


def _check_lengths(wanted: Sequence[Question], model: LocalModel) -> None:
    most = model.context_tokens
    ids = list(dict.fromkeys(one.prompt.id for one in wanted if model.count_tokens(one.chat()) >= most))
    if ids:
        named = ", ".join(ids[:_NAMED]) + (", …" if len(ids) > _NAMED else "")
        raise UsageError(
            f"{wanted[0].model} has a context of {most:,} tokens, and these prompts, with their persona, are as long or "
            f"longer: {named} ({len(ids):,}). Next: leave them out of the suite"
        )


def read_answers(file: Path) -> dict[str, Answer]:
    """Return the answers kept in `file` by model and key; a last line that was cut short is taken off, and asked
    again.

    Raises:
        RunFolderError: a line that is not an answer.
    """
    if not file.exists():
        return {}
    whole, cut, rest = file.read_bytes().rpartition(b"\n")
    if rest:
        write_atomic(file, whole + cut)
    try:
        answers = [Answer(**json.loads(line)) for line in whole.split(b"\n") if line.strip()]
    except (ValueError, TypeError) as error:
        raise RunFolderError(
            f"{file} holds a line that is not an answer: {error}. Next: remove the file, or another folder"
        ) from error
    return {place(answer.model, answer.key): answer for answer in answers}


def place(model: str, key: str) -> str:
    """Return the name under which an answer is found again."""
    return f"{model}/{key}"


def conversation_of(answer: Answer) -> Conversation:
    """Return an answer as a conversation that detectors can read."""
    return Conversation((Turn("user", answer.prompt), Turn("assistant", answer.answer, is_target=True)))


def in_order(wanted: Iterable[Question], kept: dict[str, Answer]) -> list[Answer]:
    """Return the answers to `wanted` in its order, under the names that this evaluation uses."""
    found = ((question, kept[place(question.model, question.key)]) for question in wanted)
    return [question.again(answer) for question, answer in found]
