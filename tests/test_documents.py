"""What the documents say is so: their commands run, every verb is described, the reference is fresh, links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unmoor.commands import VERBS
from unmoor.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
LONG = ("unmoor demo -o", "unmoor train", "unmoor evaluate", "make ")
"""Commands that take minutes: the first block of each is run by the slow tests, with a demo already made."""


def commands_of(path: Path) -> list[str]:
    """Return the lines of the `sh` blocks of a document."""
    blocks = re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip() and not line.startswith("#")]


def run_line(line: str, folder: Path) -> None:
    shim = folder / "bin"
    shim.mkdir(exist_ok=True)
    if not (shim / "unmoor").exists():
        (shim / "unmoor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m unmoor "$@"\n')
        (shim / "unmoor").chmod(0o755)
    environment = {**os.environ, "PATH": f"{shim}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, f"$ {line}\n{done.stdout}\n{done.stderr}"


def test_the_tours_quick_commands_run_as_they_stand(tmp_path: Path) -> None:
    quick = [
        line for line in commands_of(ROOT / "docs" / "tour.md") if not line.startswith(LONG) and "chat" not in line
    ]
    assert len(quick) >= 8
    for line in quick:
        run_line(line, tmp_path)
    assert_findings_are_explained(quick, tmp_path)


def test_the_readmes_quick_commands_run_as_they_stand(tmp_path: Path) -> None:
    quick = [line for line in commands_of(ROOT / "README.md") if not line.startswith((*LONG, "pip ", "git ", "cd "))]
    assert quick
    for line in quick:
        run_line(line, tmp_path)
    assert_findings_are_explained(quick, tmp_path)


def assert_findings_are_explained(lines: list[str], folder: Path) -> None:
    from unmoor.engines import explain_row, rows_with

    asked = [line.split() for line in lines if line.startswith("unmoor explain")]
    assert asked
    for _, _, run, row, *more in asked:
        if row.startswith("-"):
            names = dict(zip((row, *more[1::2]), more[::2], strict=True))
            assert rows_with(folder / run, behaviour=names["--behaviour"], outcome=names["--outcome"]), names
            continue
        entry = explain_row(folder / run, int(row))
        assert entry["findings"] and entry["outcome"] == "removed", entry


@pytest.mark.parametrize("page", ["chat", "serving", "suites", "tour", "training"])
def test_a_page_whose_commands_need_more_than_the_first_install_says_how_it_is_installed(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert "pip install --constraint constraints.txt '.[" in text


def test_the_extras_that_the_readme_names_are_those_that_a_command_asks_for() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    asked = set(re.findall(r'MissingExtraError\([^,]+, "(\w+)"', sources))
    said = (ROOT / "README.md").read_text(encoding="utf-8").partition("In a clone")[2].partition("```")[0]
    assert set(re.findall(r"`(\w+)`", said)) == asked


def toml_of(page: str) -> list[str]:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(r"```toml\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("page", ["guard", "tour"])
def test_a_policy_in_a_document_is_one_that_unmoor_takes(page: str, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from unmoor.commands import cli

    policies = [block for block in toml_of(page) if "version = " in block]
    assert policies
    for policy in policies:
        (tmp_path / "house.toml").write_text(policy)
        done = CliRunner().invoke(cli, ["policy", str(tmp_path / "house.toml")])
        assert (done.exit_code, done.stderr) == (0, ""), done.exception


def test_the_keys_in_the_document_are_refused_until_somebody_puts_keys_of_their_own_there(tmp_path: Path) -> None:
    from unmoor.serving.server import read_keys

    keys, shown = tmp_path / "keys.toml", next(block for block in toml_of("serving") if "[keys]" in block)
    keys.write_text(shown)
    with pytest.raises(UsageError, match="16 or more plain characters"):
        read_keys(keys)
    keys.write_text(shown.replace("YOUR-KEY", "0123456789abcdef", 1).replace("YOUR-KEY", "fedcba9876543210"))
    assert [key.name for key in read_keys(keys)] == ["alice", "bob"]


def test_the_page_on_the_report_names_the_headings_that_a_report_has() -> None:
    templates = "\n".join(path.read_text() for path in (ROOT / "src/unmoor/report/templates").glob("*.j2"))
    headings = re.sub(r"<[^>]+>|\{% (?:else|endif) %\}", "\n", "\n".join(re.findall(r"<h[23]>.*?</h[23]>", templates)))
    names = {line.strip() for line in re.sub(r"\{%.*?%\}", "", headings).splitlines() if line.strip()}
    assert len(names) > 20
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8").replace("'", "’").casefold()
    assert [name for name in names if name.casefold() not in page] == []


def test_make_has_the_targets_that_the_documents_name() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        target
        for path in [*DOCUMENTS, ROOT / "CONTRIBUTING.md"]
        for target in re.findall(r"(?:`|^    )make (\w+)", path.read_text(), re.MULTILINE)
    }
    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    import click

    from unmoor.commands import cli

    command = cli.get_command(click.Context(cli), verb)
    assert command is not None and command.help is not None
    assert f"unmoor {verb}" in command.help, "the help shows no example"


@pytest.mark.parametrize("group", ["labels", "suites"])
def test_a_list_of_commands_cuts_no_sentence_off(group: str) -> None:
    from click.testing import CliRunner

    from unmoor.commands import cli

    listed = CliRunner().invoke(cli, [group, "--help"]).output.partition("Commands:")[2]
    assert listed and "..." not in listed


def test_every_verb_is_used_in_a_document() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS if path.name != "cli.md")
    assert [verb for verb in VERBS if f"unmoor {verb}" not in text] == []


def test_the_command_reference_is_fresh() -> None:
    program = "import runpy; print(runpy.run_path('docs/generate_cli.py')['reference'](), end='')"
    fresh = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == fresh, "stale: make docs"
    for below in ("labels export", "labels import", "suites export", "suites list"):
        assert f"$ unmoor {below} --help\nUsage: unmoor {below} " in fresh


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_inside_the_project_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_exceptions_are_all_in_the_tree_that_is_drawn() -> None:
    from unmoor import errors

    drawn = errors.__doc__ or ""
    assert [name for name in errors.__all__ if name[0].isupper() and name not in drawn] == []
