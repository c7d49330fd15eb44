"""A model behind a URL is asked as a folder is: at once, again where that helps, and never twice for one answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from unmoor import detectors
from unmoor.commands.judges_shown import print_second
from unmoor.detectors import SecondOpinion
from unmoor.detectors.judge_server import Opinion
from unmoor.errors import MachineError
from unmoor.evaluation import Asking, detector_judge, evaluate_twins, second_judge
from unmoor.evaluation import answers as asking_room
from unmoor.evaluation.suite import Prompt
from unmoor.serving import load_persona, remote_model
from unmoor.serving.remote_model import RemoteModel

SUITE = tuple(Prompt(f"p{number}", "neutral", f"Question {number}?") for number in range(40))


class Server:
    """What was asked how often, and how it misbehaves: `busy`, `half` and `slow` are prompts that fail once, `down` fails all.

    The answers to `long` end because they may be no longer, those to `filtered` before a word, those to `declined` are said in the
    field for refusals; a filter takes none of `flagged` at all. A request with one of the `unsupported` parameters is refused.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.busy: set[str] = set()
        self.half: set[str] = set()
        self.slow: set[str] = set()
        self.long: set[str] = set()
        self.filtered: set[str] = set()
        self.declined: set[str] = set()
        self.flagged: set[str] = set()
        self.unsupported: tuple[str, ...] = ()
        self.is_down = False
        self.delay_seconds = 0.0
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.url = ""

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        prompt = body["messages"][-1]["content"]
        with self.lock:
            self.asked[prompt] += 1
            self.bodies.append(body)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            is_first = self.asked[prompt] == 1
        try:
            time.sleep(5.0 if prompt in self.slow and is_first else self.delay_seconds)
            unsupported = next((name for name in self.unsupported if name in body), None)
            if unsupported:
                said = f"Unsupported value: '{unsupported}' does not support {body[unsupported]} with this model."
                _send(handler, 400, json.dumps({"error": {"message": said, "param": unsupported}}).encode())
            elif prompt in self.flagged:
                said = "The response was filtered due to the prompt triggering our content management policy."
                _send(handler, 400, json.dumps({"error": {"code": "content_filter", "message": said}}).encode())
            elif self.is_down or (prompt in self.busy and is_first):
                _send(handler, 500 if self.is_down else 429, b'{"error": {"message": "busy"}}')
            else:
                said = () if prompt in self.filtered else ("Answer to ", prompt)
                words = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in said]
                if prompt in self.declined:
                    refusal = {"content": None, "refusal": "I'm sorry, I can't assist with that."}
                    words = [{"choices": [{"index": 0, "delta": refusal}]}]
                ends = "length" if prompt in self.long else "content_filter" if prompt in self.filtered else "stop"
                words.append({"choices": [{"index": 0, "finish_reason": ends}]})
                events = b"".join(b"data: " + json.dumps(word).encode() + b"\n\n" for word in words)
                _send(handler, 200, events if prompt in self.half and is_first else events + b"data: [DONE]\n\n")
        finally:
            with self.lock:
                self.at_once -= 1


def _send(handler: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(asking_room, "_PAUSES", (0.01, 0.01))
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked has given up waiting
                state.handle(self)

        def do_GET(self) -> None:
            _send(self, 200, b'{"data": [{"id": "echo"}]}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{running.server_port}/v1"
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield state
    running.shutdown()
    running.server_close()


def _evaluate(server: Server, out: Path, **options: Any) -> dict[str, Any]:
    judge = detector_judge(detectors.load(languages=("en",)))
    asking = Asking((load_persona("none"),), judge, **options)
    return evaluate_twins({"served": RemoteModel("echo", server.url)}, SUITE, out, asking)


def test_a_server_is_asked_some_at_once_and_every_answer_belongs_to_its_question(
    server: Server, tmp_path: Path
) -> None:
    server.delay_seconds = 0.05
    result = _evaluate(server, tmp_path, concurrency=4)
    kept = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert {answer["prompt"]: answer["answer"] for answer in kept} == {p.text: f"Answer to {p.text}" for p in SUITE}
    assert 2 <= server.most_at_once <= 4
    assert result["rates"][0]["n"] == len(SUITE)
    assert result["is_judge_independent"] is False


def test_a_server_is_asked_for_greedy_answers_whatever_it_does_by_itself(server: Server, tmp_path: Path) -> None:
    """vLLM takes a model's own temperature, llama.cpp and Ollama 0.8: two calls would give two rates."""
    command = [sys.executable, "-m", "unmoor", "evaluate", "--model", f"a={server.url}", "--suite", "floor"]
    subprocess.run([*command, "-o", str(tmp_path / "asked")], check=True, capture_output=True)
    assert {body.get("temperature") for body in server.bodies} == {0}


def test_a_server_that_takes_no_temperature_is_asked_without_and_the_results_say_so(
    server: Server, tmp_path: Path
) -> None:
    server.unsupported = ("temperature", "max_tokens")
    told = _evaluate(server, tmp_path, concurrency=1)
    assert told["rates"][0]["drawn"] == len(SUITE)
    answered = [body for body in server.bodies if not {"temperature", "max_tokens"} & body.keys()]
    assert {body["max_completion_tokens"] for body in answered} == {64}
    assert (len(answered), len(server.bodies)) == (len(SUITE), len(SUITE) + 2), "what is refused is not sent again"
    assert _evaluate(server, tmp_path)["rates"] == told["rates"], "also where the answers were kept"
    server.unsupported = ("messages",)
    with pytest.raises(MachineError, match="answers 400: Unsupported value: 'messages'"):
        _evaluate(server, tmp_path / "other")


def test_answers_that_a_server_cut_at_their_length_are_counted(server: Server, tmp_path: Path) -> None:
    server.long = {prompt.text for prompt in SUITE[:7]}
    assert _evaluate(server, tmp_path)["rates"][0]["cut"] == 7
    assert _evaluate(server, tmp_path)["rates"][0]["cut"] == 7, "also where the answers were kept"


def test_what_a_server_declines_or_withholds_is_no_silence_of_the_model(server: Server, tmp_path: Path) -> None:
    server.declined, server.filtered = {"Question 3?", "Question 4?"}, {"Question 5?"}
    (row,) = _evaluate(server, tmp_path)["rates"]
    assert (row["refusals"], row["empty"], row["withheld"]) == (2, 1, 1)
    assert _evaluate(server, tmp_path)["rates"] == [row], "also where the answers were kept"


def test_a_question_that_the_filter_of_a_server_refuses_is_withheld_and_ends_nothing(
    server: Server, tmp_path: Path
) -> None:
    server.flagged = {"Question 3?", "Question 4?"}
    (row,) = _evaluate(server, tmp_path)["rates"]
    assert (row["n"], row["refusals"], row["empty"], row["withheld"]) == (len(SUITE), 0, 2, 2)
    with pytest.raises(MachineError, match="answers 400: The response was filtered"):
        list(RemoteModel("echo", server.url).answer([{"role": "user", "content": "Question 3?"}], 8))


def test_a_question_that_a_server_will_not_take_is_named(server: Server, tmp_path: Path) -> None:
    server.unsupported = ("messages",)
    with pytest.raises(MachineError, match=r"does not support.*The question was p\d+, .*kept"):
        _evaluate(server, tmp_path)


def test_a_second_judge_that_fails_in_the_middle_is_told_with_its_first_error(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    errors: list[str] = []

    def ask(request: str, answer: str) -> Opinion:
        if "3?" in request:
            errors.append("http://x answers 500: out of memory")
            return "unsure"
        return "refuses" if "can't" in answer else "answers"

    second = SecondOpinion("openai:weak", ask, errors=errors)
    asked = {"second": second_judge(second), "second_name": second.name, "second_errors": errors}
    told = _evaluate(server, tmp_path, **asked)["second_judge"]
    assert told["rates"][0]["unsure"] == 4
    assert told["judge_error"] == "http://x answers 500: out of memory"
    print_second(told)
    assert "The first error: http://x answers 500: out of memory" in capsys.readouterr().out
    errors.clear()
    assert "judge_error" not in _evaluate(server, tmp_path, **asked)["second_judge"]


def test_a_busy_server_and_half_a_stream_are_asked_again(server: Server, tmp_path: Path) -> None:
    server.busy, server.half = {"Question 3?"}, {"Question 5?"}
    _evaluate(server, tmp_path)
    assert server.asked["Question 3?"] == 2
    assert server.asked["Question 5?"] == 2
    assert server.asked.total() == len(SUITE) + 2


def test_a_server_that_stays_down_is_an_error_and_what_was_answered_is_kept(server: Server, tmp_path: Path) -> None:
    _evaluate(server, tmp_path)
    asked = server.asked.total()
    _evaluate(server, tmp_path)
    assert server.asked.total() == asked, "nothing is asked twice"
    lines = (tmp_path / "answers.jsonl").read_text().splitlines()
    (tmp_path / "answers.jsonl").write_text("\n".join(lines[:10]) + "\n")
    server.is_down = True
    with pytest.raises(MachineError, match=r"answers 500: busy.*kept"):
        _evaluate(server, tmp_path)
    server.is_down = False
    server.asked.clear()
    _evaluate(server, tmp_path)
    assert set(server.asked) == {f"Question {n}?" for n in range(40)} - {
        json.loads(line)["prompt"] for line in lines[:10]
    }


def test_a_server_that_is_slow_for_once_is_asked_again_and_one_that_stays_silent_is_an_error(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_model, "_WAIT_SECONDS", 2.0)
    server.slow = {"Question 7?"}
    _evaluate(server, tmp_path)
    assert server.asked["Question 7?"] == 2
    server.delay_seconds = 5.0
    with pytest.raises(MachineError, match=r"said nothing for 2 seconds"):
        _evaluate(server, tmp_path / "silent", concurrency=40)


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, MachineError])
def test_an_evaluation_that_stops_asks_no_further_question(
    server: Server, tmp_path: Path, trouble: type[BaseException]
) -> None:
    def interrupt(_stage: str, done: int, _total: int) -> None:
        if done == 3:
            raise trouble

    server.delay_seconds = 0.1
    with pytest.raises(trouble):
        _evaluate(server, tmp_path, concurrency=2, progress=interrupt)
    asked = set(server.asked)
    assert len(asked) <= 3 + 2 * 2 < len(SUITE)
    kept = {json.loads(line)["prompt"] for line in (tmp_path / "answers.jsonl").read_text().splitlines()}
    assert kept == asked or trouble is MachineError, "what was asked is kept, but on a disk that is full"
    server.asked.clear()
    _evaluate(server, tmp_path)
    assert kept.isdisjoint(server.asked)


@pytest.mark.slow
def test_an_evaluation_killed_in_the_middle_asks_nothing_twice(server: Server, tmp_path: Path) -> None:
    server.delay_seconds = 0.2
    suite = tmp_path / "suite.jsonl"
    suite.write_text("".join(json.dumps({"id": p.id, "group": p.group, "prompt": p.text}) + "\n" for p in SUITE))
    command = [
        sys.executable,
        "-m",
        "unmoor",
        "evaluate",
        "--model",
        f"served={server.url}#echo",
        "--suite",
        str(suite),
    ]
    command += ["-o", str(tmp_path / "run"), "--concurrency", "2"]
    child = subprocess.Popen(command, env={**os.environ, "UNMOOR_API_KEY": "key"}, stdout=subprocess.DEVNULL)
    answers = tmp_path / "run" / "answers.jsonl"
    end = time.monotonic() + 60
    while (not answers.exists() or answers.read_bytes().count(b"\n") < 8) and time.monotonic() < end:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    kept = {json.loads(line)["prompt"] for line in answers.read_text().splitlines()}
    assert 8 <= len(kept) < len(SUITE)
    server.asked.clear()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert kept.isdisjoint(server.asked)
    assert len(server.asked) == len(SUITE) - len(kept)
    assert max(len(line) for line in done.stdout.splitlines() if str(tmp_path) not in line) <= 80


def test_one_key_does_not_go_to_two_servers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "unmoor", "evaluate", "--suite", "neutral", "-o", str(tmp_path / "run")]
    command += ["--model", "a=http://127.0.0.1:9/v1", "--model", "b=http://127.0.0.2:9/v1"]
    done = subprocess.run(
        command, env={**os.environ, "UNMOOR_API_KEY": "key"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "would go to each of 127.0.0.1:9, 127.0.0.2:9" in done.stderr
