"""From names and numbers to pieces of Markdown in which nothing that stands in data can say something of its own."""

from __future__ import annotations

from collections.abc import Sequence

from unmoor.report.visible import plain, whole

__all__ = ["code", "counted", "fenced", "plain_name", "plain_text", "table"]

_NAME_CHARS = 160


def table(head: list[str], lines: list[list[str]]) -> str:
    """Return a table whose columns after the first hold numbers, but where pairs are compared."""
    rule = ["---", *["--:"] * (len(head) - 1)] if head[0] != "pair" else ["---"] * len(head)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *lines]) + "\n"


def plain_name(text: object) -> str:
    """Return a name on one line, without characters that mean something in Markdown, HTML or YAML."""
    return plain_text(text)[:_NAME_CHARS]


def plain_text(text: object) -> str:
    """Return a text on one line, without characters that mean something in Markdown, HTML or YAML."""
    shown = " ".join(plain(text).split())
    return "".join(character for character in shown if character.isprintable() and character not in '`<>|[]\\&"')


def code(text: object) -> str:
    """Return a name as code."""
    return f"`{plain_name(text) or '-'}`"


def fenced(commands: Sequence[str]) -> str:
    """Return command lines as a block of shell."""
    safe = "\n".join(" ".join(plain(command).split()).replace("```", "") for command in commands)
    return f"```sh\n{safe}\n```\n"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{whole(count)} {noun}{'' if count == 1 else 's'}"
