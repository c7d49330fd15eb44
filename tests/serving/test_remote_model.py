"""A model behind a URL: streamed answers, and servers that are down, refuse, break off or talk nonsense."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from unmoor.commands.chat import command
from unmoor.errors import MachineError, ServiceError, UsageError
from unmoor.serving import RemoteModel, open_url
from unmoor.serving.server.limits import Limits
from unmoor.serving.server.roles import Rules, checked_messages

ENDLESS_BYTES = 256 * 1024 * 1024
"""More than any client should take, and an end all the same where one takes it."""


class Server:
    """Answers as told; keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.lines, self.asked = 200, [], []  # type: ignore[var-annotated]
        self.endless, self.sent_bytes = b"", 0
        self.models: Any = {"data": [{"id": "tiny"}]}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(json.dumps(outer.models).encode())

            def do_POST(self) -> None:
                outer.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._send("".join(f"{line}\n\n" for line in outer.lines).encode())

            def _send(self, body: bytes) -> None:
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(body)
                with suppress(OSError):  # the client hangs up, or the test is lost
                    while outer.endless and outer.sent_bytes < ENDLESS_BYTES:
                        outer.sent_bytes += self.wfile.write(outer.endless)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def says(self, *pieces: str | list[Any], end: bool = True) -> None:
        self.lines = [f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}" for piece in pieces]
        self.lines += ["data: [DONE]"] * end


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_an_answer_comes_piece_by_piece(server: Server) -> None:
    server.says("Oak", ", ash.")
    model = open_url(server.url + "/")
    assert list(model.answer([{"role": "user", "content": "Trees?"}], 9)) == ["Oak", ", ash."]
    assert server.asked[0]["messages"][0]["content"] == "Trees?" and server.asked[0]["model"] == "tiny"


def test_a_piece_in_parts_is_its_text_alone(server: Server) -> None:
    parts: list[Any] = [
        [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}],
        [
            {"type": "text", "text": "Oak"},
            {"type": "reference", "reference_ids": [1]},
            {"type": "text", "text": ", ash"},
        ],
        [{"type": "refusal", "refusal": ", and no more."}],
    ]
    server.says(*parts)
    model = open_url(server.url)
    assert list(model.answer([{"role": "user", "content": "Trees?"}], 9)) == ["Oak, ash", ", and no more."]
    assert model.write([{"role": "user", "content": "Trees?"}], 9).text == "Oak, ash, and no more."


@pytest.mark.parametrize(
    "lines",
    [
        ["\ufeffdata: {}", "data: [DONE]"],
        [": a comment", "data: ", "event: x\r\ndata:{}\r", "data:[DONE]"],
        ["data: {}", 'data: {"choices": [{"delta": null}]}', 'data: {"usage": {"prompt_tokens": 1}}', "data: [DONE]"],
        ['{"choices": [{"message": {"content": "Oak"}, "finish_reason": "stop"}], "usage": {}}'],
    ],
    ids=["mark", "lines", "account", "whole"],
)
def test_an_answer_is_read_in_every_form_that_servers_send(server: Server, lines: list[str]) -> None:
    oak = json.dumps({"choices": [{"delta": {"content": "Oak"}}]})
    server.lines = [line.replace("{}", oak) if "data" in line else line for line in lines]
    assert list(open_url(server.url).answer([{"role": "user", "content": "Trees?"}], 9)) == ["Oak"]


def test_a_piece_that_says_that_there_is_no_error_is_a_piece(server: Server) -> None:
    server.lines = ['data: {"error": null, "choices": [{"delta": {"content": "Oak"}}]}', "data: [DONE]"]
    assert list(open_url(server.url).answer([{"role": "user", "content": "Trees?"}], 9)) == ["Oak"]


@pytest.mark.parametrize(
    ("status", "lines", "why"),
    [
        (401, [], "another key"),
        (429, [], "too many requests"),
        (500, [], "does not say why"),
        (200, ['data: {"choices": [{"delta": {"content": "Oa"}}]}'], "broke off"),
        (200, ["data: <html>"], "no chat completion"),
        (200, ["data: " + "[" * 100_000], "no chat completion"),
        (200, ['data: {"choices": [{"delta": {"content": 5}}]}'], "no chat completion"),
        (200, ['data: {"error": {"message": "out of memory"}}'], "out of memory"),
        (200, ['data: {"error": "queue full"}'], "queue full"),
        (200, ['{"error": {"message": "queue full"}}'], "queue full"),
        (200, ['data: {"error": {"code": null}}'], '{"code": null}'),
        (200, ['data: {"object": "error", "message": "too long"}'], "too long"),
        (200, ['data: {"choices": [{"delta": {}, "error": {"message": "hung up"}}]}'], "hung up"),
        (200, ['data: {"choices": [{"message": {"content": "Oak"}}]}'], "no chat completion"),
        (200, ['data: {"choices": [{"text": "Oak"}]}'], "no chat completion"),
        (200, ['{"choices": []}'], "no chat completion"),
        (200, ['{"choices": [{"text": "Oak", "finish_reason": "stop"}]}'], "no chat completion"),
        (200, ['{"choices": [{"finish_reason": "stop"}]}'], "no chat completion"),
        (200, ['data: {"error": null}'], "no chat completion"),
    ],
)
def test_what_a_server_does_wrong_is_one_sentence(server: Server, status: int, lines: list[str], why: str) -> None:
    model = open_url(server.url)
    server.status, server.lines = status, lines
    with pytest.raises(MachineError, match=why):
        list(model.answer([{"role": "user", "content": "?"}], 9))


@pytest.mark.parametrize(
    ("status", "endless", "why"),
    [
        (200, b"data: " + b"x" * 65_530, "more than"),
        (200, b'data: {"choices": []}\n\n' * 2_000, "more than"),
        (500, b"x" * 65_536, "does not say why"),
    ],
    ids=["line", "lines", "error"],
)
def test_a_server_that_never_stops_fills_no_memory(server: Server, status: int, endless: bytes, why: str) -> None:
    model = open_url(server.url)
    server.status, server.endless = status, endless
    with pytest.raises(MachineError, match=why):
        list(model.answer([{"role": "user", "content": "?"}], 9))
    assert server.sent_bytes < ENDLESS_BYTES // 2


def test_a_list_of_models_without_end_is_said(server: Server) -> None:
    server.endless = b" " * 65_536
    with pytest.raises(MachineError, match="more than"):
        open_url(server.url)
    assert server.sent_bytes < ENDLESS_BYTES // 2


def test_an_answer_may_hold_any_line_separator_of_unicode(server: Server) -> None:
    server.lines = ['data: {"choices": [{"delta": {"content": "a\u2028b\x85c"}}]}', "data: [DONE]"]
    assert list(open_url(server.url).answer([], 9)) == ["a\u2028b\x85c"]


def test_which_of_several_models_is_asked_is_said_where_none_was_named(server: Server) -> None:
    told: list[str] = []
    server.models = {"data": [{"id": "small"}, {"id": "large"}]}
    assert open_url(server.url, told=told.append).name == "small"
    assert told == [f"{server.url} has 2 models, and small is asked. Next: {server.url}#NAME for another"]
    assert open_url(server.url, model="large", told=told.append).name == "large" and len(told) == 1


def test_no_server_and_no_model_are_said(server: Server) -> None:
    with pytest.raises(MachineError, match="is the server running"):
        open_url("http://127.0.0.1:9/v1")
    with pytest.raises(UsageError, match='offers tiny, and not "large"'):
        open_url(server.url, model="large")
    server.models = {"object": "nothing"}
    with pytest.raises(MachineError, match="does not list its models"):
        open_url(server.url)


def test_two_servers_answer_side_by_side_and_a_failure_takes_the_question_back(server: Server) -> None:
    server.says("Oak, ash and elm.")
    typed = "/compare raw filtered\nTrees?\n/undo\n/undo\n"
    result = CliRunner().invoke(
        command, [f"raw={server.url}", f"filtered={server.url}"], input=typed, env={"COLUMNS": "100"}
    )
    assert result.exit_code == 0, result.output
    assert any(line.count("Oak, ash and elm.") == 2 for line in result.output.splitlines())
    assert "nothing to take back" in result.output
    server.says("half", end=False)
    result = CliRunner().invoke(command, [server.url], input="Trees?\n/undo\n")
    assert "broke off" in result.output and "nothing to take back" in result.output


FILTERED = 'data: {"choices": [{"delta": {}, "finish_reason": "content_filter"}]}\n\ndata: [DONE]'
REFUSED = json.dumps({"error": {"code": "content_filter", "message": "\x1bours"}})
WITHHELD = "withheld by the server's own filter"


@pytest.mark.parametrize(
    ("words", "status", "line", "said"),
    [
        ([], 200, FILTERED, f"(the answer was {WITHHELD}, so the question is taken back)"),
        (["Oak"], 200, FILTERED, f"Oak\n(the rest of the answer was {WITHHELD})"),
        ([], 200, "data: [DONE]", "(the answer has no words, so the question is taken back)"),
        ([], 400, REFUSED, "answers 400: ours"),
    ],
)
def test_an_answer_that_is_withheld_is_said_to_be_and_that_of_another_model_stays(
    server: Server, words: list[str], status: int, line: str, said: str
) -> None:
    server.says(*words, end=False)
    server.lines.append(line)
    server.status = status
    model = RemoteModel("tiny", server.url)
    asked = {"raw": model, "filtered": model}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unmoor.commands.chat.open_url", lambda url, *_, **__: asked[url.rpartition("/")[2]])
        alone = CliRunner().invoke(command, ["http://x/raw"], input="Trees?\n")
        other = Server()
        other.says("Ash.")
        asked["filtered"] = RemoteModel("tiny", other.url)
        typed = "/compare raw filtered\nTrees?\nMore?\n"
        names = [f"{name}=http://x/{name}" for name in asked]
        both = CliRunner().invoke(command, names, input=typed, env={"COLUMNS": "60"})
        other.close()
    code = 0 if words or line == "data: [DONE]" else 4
    assert said in alone.output and getattr(alone.exception, "exit_code", 0) == code, alone.output
    why = f"({WITHHELD}" if line != "data: [DONE]" else "(nothing)"
    assert both.exit_code == 0 and both.output.count("Ash.") == 2 and both.output.count(why) == 2, both.output
    assert "\x1b" not in alone.output + both.output
    assert [one["content"] for one in server.asked[-1]["messages"][-3:]] == [
        "Trees?",
        *(words or ["(nothing)"]),
        "More?",
    ]
    assert [one["content"] for one in other.asked[-1]["messages"][-3:]] == ["Trees?", "Ash.", "More?"]


def test_a_server_s_own_name_of_its_model_is_the_name_in_a_chat(server: Server) -> None:
    result = CliRunner().invoke(command, [f"{server.url}#tiny"], input="")
    assert result.output.startswith("tiny; persona plain.")
    twice = CliRunner().invoke(command, [server.url, f"{server.url}#tiny"], input="")
    assert isinstance(twice.exception, UsageError) and 'Two models are called "tiny"' in str(twice.exception)


def test_a_server_that_takes_no_system_prompt_is_asked_without_one_next(server: Server) -> None:
    with pytest.raises(ServiceError) as refused:
        checked_messages([{"role": "system", "content": "Be brief."}], Rules(), Limits())
    model = open_url(server.url)
    server.status, server.lines = 400, [json.dumps(refused.value.body())]
    with pytest.raises(MachineError, match=r"which is refused\. Next: --persona none, or in a chat /persona none$"):
        list(model.answer([{"role": "system", "content": "Be brief."}], 9))


def test_a_server_cannot_steer_the_terminal_with_its_errors(server: Server) -> None:
    server.lines = ["data: " + json.dumps({"error": {"message": "\x1b]0;owned\x07out of memory"}})]
    result = CliRunner().invoke(command, [server.url], input="Trees?\n")
    assert "out of memory" in result.output
    assert "\x1b" not in result.output and "\x07" not in result.output


def test_a_narrow_terminal_shows_one_answer_under_the_other(server: Server) -> None:
    server.says("Oak \x1b[31mred.")
    typed = "/compare raw filtered\nTrees?\n"
    result = CliRunner().invoke(
        command, [f"raw={server.url}", f"filtered={server.url}"], input=typed, env={"COLUMNS": "40"}
    )
    assert result.output.index("raw:") < result.output.index("Oak") < result.output.index("filtered:")
    assert "\x1b[31m" not in result.output
