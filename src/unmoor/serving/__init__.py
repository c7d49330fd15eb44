"""From a trained model to somebody who talks to it: personas, a local model, a chat in the terminal."""

from unmoor.serving.chat import COMMANDS, Chat, printable
from unmoor.serving.local_model import LocalModel, load_model
from unmoor.serving.personas import NONE, Persona, load_persona, persona_names
from unmoor.serving.remote_model import RemoteModel, WithheldError, open_url

__all__ = [
    "COMMANDS",
    "NONE",
    "Chat",
    "LocalModel",
    "Persona",
    "RemoteModel",
    "WithheldError",
    "load_model",
    "load_persona",
    "open_url",
    "persona_names",
    "printable",
]
