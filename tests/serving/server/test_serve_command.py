"""`unmoor serve` as a person starts it: what it prints, what it refuses before a port is taken, how it stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.serving.server.upstream_app import answer_to

HELLO = {"model": "echo", "messages": [{"role": "user", "content": "hello"}]}
LONG = "a-key-of-thirty-two-plain-letters"


def _environment(**more: str) -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if name != "UNMOOR_API_KEY"}, **more}


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    """Run the command with --json on any free port, and yield what it printed; all of it, under `printed`, once it has ended."""
    program = subprocess.Popen(
        [sys.executable, "-m", "unmoor", "serve", *arguments, "--port", "0", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment(**environment),
    )  # fmt: skip
    assert program.stdout is not None and program.stderr is not None
    try:
        lines = []
        while not lines or lines[-1].rstrip() != "}":
            line = program.stdout.readline()
            assert line, program.stderr.read()
            lines.append(line)
        said = json.loads("".join(lines))
        yield said, program
    finally:
        program.send_signal(signal.SIGTERM)
        printed = program.communicate(timeout=20)
    said["printed"] = "".join([*lines, *printed])


def refused(*arguments: str, **environment: str) -> str:
    """Run the command, which must end with exit code 2 at once, and return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "unmoor", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=_environment(**environment),
    )
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_a_key_is_made_and_printed_and_opens_the_server(upstream_url: str) -> None:
    with started(upstream_url, "--persona", "dolphin") as (said, program):
        assert said["url"].startswith("http://127.0.0.1:") and len(said["key"]) >= 40
        assert httpx.post(f"{said['url']}/chat/completions", json=HELLO).status_code == 401
        headers = {"authorization": f"Bearer {said['key']}"}
        answer = httpx.post(f"{said['url']}/chat/completions", json=HELLO, headers=headers)
        assert answer.json()["choices"][0]["message"]["content"] == answer_to("hello")
    assert program.returncode in {0, -signal.SIGTERM}


def test_keys_come_from_a_file_with_limits_of_their_own(upstream_url: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[keys]\nalice = "{LONG}-a"\n\n[keys.bob]\nkey = "{LONG}-b"\nrequests_per_minute = 1\n')
    with started(upstream_url, "--api-key-file", str(keys)) as (said, _):
        assert said["key"] is None
        asked = [
            httpx.get(f"{said['url']}/models", headers={"authorization": f"Bearer {LONG}-{name}"}).status_code
            for name in "abc"
        ]
        assert asked == [200, 200, 401]
        for name, expected in (("a", [200, 200]), ("b", [200, 429])):
            headers = {"authorization": f"Bearer {LONG}-{name}"}
            statuses = [
                httpx.post(f"{said['url']}/chat/completions", json=HELLO, headers=headers).status_code for _ in range(2)
            ]
            assert statuses == expected


def test_what_guards_and_whether_tools_are_allowed_is_said_at_the_start(upstream_url: str, tmp_path: Path) -> None:
    with started(upstream_url) as (said, _):
        pass
    assert "No guard looks at requests and answers (--policy FILE adds one); tools are refused." in said["printed"]
    log = str(tmp_path / "guard.jsonl")
    with started(upstream_url, "--policy", "dolphin", "--guard-log", log, "--allow-tools") as (said, _):
        pass
    assert "The guard of policy dolphin looks at requests and answers; tools are allowed." in said["printed"]


def test_a_model_server_that_is_not_there_yet_is_told_at_the_start(upstream_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        absent = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with started(absent) as (said, _):
            headers = {"authorization": f"Bearer {said['key']}"}
            asked = httpx.post(f"{said['url']}/chat/completions", json=HELLO, headers=headers)
            assert asked.status_code == 502
    assert f"Nothing takes connections at {absent} yet; until it does, requests get 502." in said["printed"]
    with started(upstream_url) as (said, _):
        pass
    assert "Nothing takes connections" not in said["printed"]


def test_a_key_from_the_environment_is_not_printed(upstream_url: str) -> None:
    with started(upstream_url, UNMOOR_API_KEY=LONG) as (said, _):
        assert said["key"] is None
        assert httpx.get(f"{said['url']}/models", headers={"authorization": f"Bearer {LONG}"}).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--host", "0.0.0.0"], {}, "a key that is only printed here is not enough"),
        (["--host", "0.0.0.0"], {"UNMOOR_API_KEY": LONG}, "--allowed-host"),
        (["--host", "203.0.113.9"], {}, "can be reached by other machines"),
        (["--host", "nonsense"], {}, "not a numeric address"),
        (["--allowed-host", "http://x/"], {}, "takes a host name"),
        ([], {"UNMOOR_API_KEY": "short"}, "needs 16 or more plain characters"),
        (["--allow-system", "--drop-system"], {}, "cannot both be given"),
        (["--log-text"], {}, "there is no guard"),
        (["--persona", "dolfin"], {}, 'Did you mean "dolphin"?'),
        (["--upstream-key-file", "nowhere"], {}, "cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_is_not_safe_or_makes_no_sense_is_refused(
    arguments: list[str], environment: dict[str, str], words: str
) -> None:
    assert words in refused("http://127.0.0.1:9", *arguments, **environment)


@pytest.mark.parametrize(
    "url", ["http://", "http://user:pass@host/v1", "http://host/v1?key=x", "http://host:99999", "https://[::1"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    said = refused(url)
    assert "address" in said and "pass" not in said


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    assert "holds no model" in refused(str(tmp_path))


def test_a_port_that_is_taken_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "cannot be taken" in refused("http://127.0.0.1:9", "--port", str(taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no keys"),
        ("[keys]\n", "holds no keys"),
        ("keys = 5", "holds no keys"),
        ("[kyes]\n", 'Did you mean "keys"?'),
        ('[keys]\nalice = "short"\n', "needs 16 or more"),
        (f'[keys]\nalice = "{LONG}"\nbob = "{LONG}"\n', "same key"),
        (f'[keys.alice]\nkey = "{LONG}"\ntokens_per_dya = 5\n', 'Did you mean "tokens_per_day"?'),
        (f'[keys.alice]\nkey = "{LONG}"\ntokens_per_day = -5\n', "0 or more"),
        (f'[keys]\n"a b" = "{LONG}"\n', "a key's name"),
        ("[keys\n", "is not TOML"),
    ],
)
def test_a_key_file_with_a_mistake_is_refused_without_repeating_a_key(tmp_path: Path, text: str, words: str) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(text)
    said = refused("http://127.0.0.1:9", "--api-key-file", str(keys))
    assert words in said and LONG not in said
