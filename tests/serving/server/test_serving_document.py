"""What docs/serving.md and the README say: their commands run, the flags exist, the defaults are the command's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.server.running import SECRET, Running
from unmoor.commands.serve import command
from unmoor.serving.server.app import PATHS

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
CURLS = [line for block in re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL) for line in block.splitlines() if line]
README = re.findall(r"^\$ (.*(?:unmoor serve|curl).*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", CURLS, ids=range(len(CURLS)))
def test_a_curl_command_answers(server: Running, line: str) -> None:
    environment = {**os.environ, "URL": server.url, "KEY": SECRET}
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=30, check=True)
    if "stream" in line:
        assert done.stdout.rstrip().endswith("data: [DONE]") and '"usage":{' in done.stdout
    elif "/metrics" in line:
        assert "unmoor_requests_total" in done.stdout
    else:
        assert "error" not in json.loads(done.stdout)


def test_the_readmes_two_lines_serve_a_model_and_ask_it(tiny_base: Path, tmp_path: Path) -> None:
    """As they stand, but for the port, which is another where 8090 may be taken."""
    serve, ask = README
    shutil.copytree(tiny_base, tmp_path / "runs" / "demo" / "twins" / "filtered")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    line = serve.replace("unmoor", f'exec "{sys.executable}" -m unmoor', 1) + f" --port {port}"
    with subprocess.Popen(["bash", "-c", line], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as program:
        try:
            assert program.stderr is not None
            said = next((said for said in program.stderr if f":{port}" in said), "")
            assert said, "it ended"
            patient = ask.replace("8090", str(port)).replace("curl ", "curl --retry 20 --retry-connrefused ", 1)
            done = subprocess.run(["bash", "-c", patient], capture_output=True, text=True, timeout=60, check=True)
        finally:
            program.terminate()
    answer = json.loads(done.stdout)
    assert answer.get("model") == "filtered" and answer["choices"][0]["message"]["role"] == "assistant", answer


def test_there_is_a_curl_command_for_what_people_ask() -> None:
    assert len(CURLS) == 5


def test_every_flag_that_is_named_exists_and_every_path_is_named() -> None:
    flags = {flag for parameter in command.params for flag in parameter.opts}
    ours = [
        line
        for line in DOCUMENT.splitlines()
        if not line.startswith("| ") or line.startswith(("| body", "| all", "| re"))
    ]
    named = set(re.findall(r"`(--[a-z-]+)", "\n".join(ours)))
    assert named <= flags, named - flags
    assert all(path in DOCUMENT for path in PATHS)


def test_the_defaults_in_the_table_are_the_commands_own() -> None:
    defaults = {parameter.opts[0]: parameter.default for parameter in command.params}
    table = dict(re.findall(r"\| `(--[a-z-]+)`, ([\d,]+)", DOCUMENT))
    assert len(table) >= 6
    for flag, shown in table.items():
        value = int(shown.replace(",", ""))
        assert defaults[flag] in (value, value * 1_048_576), flag
