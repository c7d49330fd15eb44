"""From what a person types to what the model is sent: the state of a chat, its commands, and the text that may be
shown.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from unmoor.errors import UsageError, nearest_name
from unmoor.run_folder import write_atomic
from unmoor.serving.local_model import Message
from unmoor.serving.personas import NONE, Persona, load_persona

__all__ = ["COMMANDS", "Chat", "printable"]

COMMANDS: dict[str, str] = {
    "/persona": "NAME or FILE: change the system prompt and begin anew; without a name, say which is in use",
    "/system": "TEXT: use these words as the system prompt and begin anew",
    "/new": "begin anew with the same system prompt",
    "/save": "FILE: write the conversation as one row in the messages layout",
    "/help": "show these lines",
    "/quit": "leave (Ctrl-D does too)",
}


@dataclass(slots=True)
class Chat:
    """One conversation: its persona and what was said, user and assistant in turn."""

    persona: Persona = NONE
    said: list[Message] = field(default_factory=list)
    is_over: bool = False

    def messages(self) -> list[Message]:
        """Return everything that the model is sent: the system prompt, if there is one, and what was said."""
        system = [{"role": "system", "content": self.persona.system}] if self.persona.system else []
        return [*system, *self.said]

    def ask(self, text: str) -> None:
        """Add what the person said."""
        self.said.append({"role": "user", "content": text})

    def reply(self, text: str) -> None:
        """Add what the model answered; an interrupted answer that has no words takes its question along."""
        if text.strip():
            self.said.append({"role": "assistant", "content": text.strip()})
        else:
            self.said.pop()

    def command(self, line: str) -> str:
        """Do what a line that begins with / says and return what to tell the person.

        Raises:
            UsageError: no such command, persona or file.
            MachineError: the disk is full or fails.
        """
        name, _, rest = line.strip().partition(" ")
        if name not in COMMANDS:
            raise UsageError(f"There is no command {name}.{nearest_name(name, COMMANDS)} Known: {', '.join(COMMANDS)}")
        if name == "/quit":
            self.is_over = True
            return ""
        if name == "/help":
            return "\n".join(f"{known} {what}" for known, what in COMMANDS.items())
        if name == "/save":
            return self._save(rest.strip())
        if name == "/new":
            return self._begin(self.persona)
        return self._change_system(name, rest.strip())

    def _change_system(self, name: str, rest: str) -> str:
        if name == "/system":
            return self._begin(Persona("your own words", rest) if rest else NONE)
        if not rest:
            return f"Persona: {self.persona.name}. {self.persona.system}".strip()
        return self._begin(load_persona(rest))

    def _begin(self, persona: Persona) -> str:
        self.persona = persona
        self.said.clear()
        return f"A new conversation with persona {persona.name}."

    def _save(self, name: str) -> str:
        if not name:
            raise UsageError("/save needs a file, such as: /save talk.jsonl")
        path = Path(name)
        if path.exists():
            raise UsageError(f"{path} exists already; it was left as it is")
        if not path.parent.is_dir():
            raise UsageError(f"There is no folder {path.parent}")
        write_atomic(path, json.dumps({"messages": self.messages()}, ensure_ascii=False).encode() + b"\n")
        return f"{len(self.said)} messages written to {path}."


def printable(text: str) -> str:
    """Return `text` without the characters that could move the cursor, recolour the terminal or reverse its writing."""
    return "".join(
        char
        for char in text
        if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs"} or char in "\u200c\u200d"
    )
