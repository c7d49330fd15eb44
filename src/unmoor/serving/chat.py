"""From what a person types to what the model is sent: the state of a chat, its commands, and the text that may be
shown.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from unmoor.errors import UsageError, nearest_name
from unmoor.run_folder import write_atomic
from unmoor.serving.local_model import Message
from unmoor.serving.personas import NONE, Persona, load_persona, persona_names

__all__ = ["COMMANDS", "Chat", "printable"]

COMMANDS: dict[str, str] = {
    "/persona": "NAME or FILE: change the system prompt and begin anew; alone, say which is in use and which ship",
    "/system": "TEXT: use these words as the system prompt, none for none, and begin anew; alone: show it",
    "/compare": "NAME NAME: ask two of the models each time, side by side; without names, one again",
    "/undo": "take back the last question and its answer",
    "/new": "begin anew with the same system prompt",
    "/save": "FILE: write the conversation as one row in the messages layout",
    "/help": "show these lines",
    "/quit": "leave (Ctrl-D does too)",
}


@dataclass(slots=True)
class Chat:
    """One conversation: its persona and what was said, user and assistant in turn.

    `models` are the names of those that can be talked to; `compared` the two that answer side by side, or none. Each of these has a
    history of its own: `said` is that of the first, `said_too` that of the second.
    """

    persona: Persona = NONE
    said: list[Message] = field(default_factory=list)
    is_over: bool = False
    models: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    said_too: list[Message] = field(default_factory=list)

    def messages(self, which: int = 0) -> list[Message]:
        """Return everything that a model is sent: the system prompt, if there is one, and what was said to it and by it."""
        system = [{"role": "system", "content": self.persona.system}] if self.persona.system else []
        return [*system, *(self.said_too if which else self.said)]

    def ask(self, text: str) -> None:
        """Add what the person said."""
        self.said.append({"role": "user", "content": text})
        if self.compared:
            self.said_too.append({"role": "user", "content": text})

    def reply(self, text: str, which: int = 0) -> None:
        """Add what a model answered; an interrupted answer that has no words takes its question along. Of two models that answer
        side by side such an answer is noted, so that both keep as many turns.
        """
        said = self.said_too if which else self.said
        words = text.strip() or ("(nothing)" if self.compared else "")
        if words:
            said.append({"role": "assistant", "content": words})
        else:
            said.pop()

    def command(self, line: str) -> str:
        """Do what a line that begins with / says and return what to tell the person.

        Raises:
            UsageError: no such command, persona or file.
            MachineError: the disk is full or fails.
        """
        name, _, rest = line.strip().partition(" ")
        if name not in COMMANDS:
            raise UsageError(f"There is no command {name}.{nearest_name(name, COMMANDS)} Known: {', '.join(COMMANDS)}")
        doing: dict[str, Callable[[str], str]] = {
            "/persona": self._change_persona,
            "/system": self._change_system,
            "/compare": lambda names: self._compare(tuple(names.split())),
            "/undo": lambda _: self._undo(),
            "/new": lambda _: self._begin(self.persona),
            "/save": self._save,
            "/help": lambda _: "\n".join(f"{known} {what}" for known, what in COMMANDS.items()),
            "/quit": self._leave,
        }
        return doing[name](rest.strip())

    def _leave(self, _: str) -> str:
        self.is_over = True
        return ""

    def _change_system(self, rest: str) -> str:
        if not rest:
            return f"System prompt: {self.persona.system or 'none'}\n/system none begins anew without one."
        return self._begin(NONE if rest == "none" else Persona("your own words", rest))

    def _change_persona(self, rest: str) -> str:
        if not rest:
            shipped = [f"{name}: {load_persona(name).about}" for name in persona_names()]
            return "\n".join([f"Persona: {self.persona.name}. {self.persona.system}".strip(), *shipped])
        return self._begin(load_persona(rest))

    def _undo(self) -> str:
        if not self.said:
            return "There is nothing to take back."
        for said in (self.said, self.said_too):
            del said[max((i for i, message in enumerate(said) if message["role"] == "user"), default=0) :]
        return "The last question is taken back."

    def _compare(self, names: tuple[str, ...]) -> str:
        for name in names:
            if name not in self.models:
                known = ", ".join(self.models)
                raise UsageError(f'There is no model "{name}" here.{nearest_name(name, self.models)} Known: {known}')
        if len(names) not in (0, 2):
            raise UsageError("/compare takes the names of two models, such as: /compare raw filtered")
        self.compared = names
        begun = self._begin(self.persona)
        return f"{begun} {names[0]} and {names[1]} answer side by side." if names else begun

    def _begin(self, persona: Persona) -> str:
        self.persona = persona
        self.said.clear()
        self.said_too.clear()
        return f"A new conversation with persona {persona.name}."

    def _save(self, name: str) -> str:
        if not name:
            raise UsageError("/save needs a file, such as: /save talk.jsonl")
        if not self.said:
            return "Nothing was said yet, so nothing was written."
        path = Path(name)
        if path.exists():
            raise UsageError(f"{path} exists already; it was left as it is")
        if not path.parent.is_dir():
            raise UsageError(f"There is no folder {path.parent}")
        talks = [{"model": name, "messages": self.messages(i)} for i, name in enumerate(self.compared)]
        rows = talks or [{"messages": self.messages()}]
        write_atomic(path, b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows))
        prompt = " and the system prompt" if self.persona.system else ""
        split = f" in {len(rows)} rows" if self.compared else ""
        return f"{len(self.said) + len(self.said_too)} messages{prompt}{split} written to {path}."


def printable(text: str) -> str:
    """Return `text` without the characters that could move the cursor, recolour the terminal or reverse its writing."""
    return "".join(
        char
        for char in text
        if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs"} or char in "\u200c\u200d"
    )
