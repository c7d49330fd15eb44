"""From a trained model to somebody who talks to it: personas, a local model, a chat in the terminal."""

from unmoor.serving.personas import NONE, Persona, load_persona, persona_names

__all__ = ["NONE", "Persona", "load_persona", "persona_names"]
