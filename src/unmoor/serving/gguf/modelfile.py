"""From a persona and a chat template to Ollama's Modelfile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unmoor.errors import UsageError
from unmoor.serving.gguf.template import Pieces, pieces_of
from unmoor.serving.personas import Persona

__all__ = ["modelfile"]

_PARAMETERS = {"temperature": "temperature", "top_p": "top_p", "max_tokens": "num_predict"}
"""A persona's names for sampling and Ollama's."""


def modelfile(weights: Path, tokenizer: Any, persona: Persona, context: int) -> str:
    """Return a Modelfile that serves `weights` as `persona`; `context` is the model's length in tokens.

    The template is written where it can be told from the model's own and gives the same text; otherwise it is left to Ollama, which
    reads the one inside the weights, and a comment says so.

    Raises:
        UsageError: the system prompt holds three quotation marks in a row, or the token that ends a turn a line break; a Modelfile
            cannot, and what follows would be orders of its own.
    """
    lines = [f"# {persona.name}: ollama create NAME -f Modelfile", f"FROM ./{weights.name}"]
    pieces = pieces_of(tokenizer, always_system=bool(persona.system))
    if pieces is not None and not _is_awkward(pieces):
        lines.append(f'TEMPLATE """{_go_template(pieces)}"""')
    else:
        lines.append(
            "# No TEMPLATE: the model's own is not made of one piece for each role. Ollama reads it from the weights."
        )
    if persona.system:
        if '"""' in persona.system:
            raise UsageError(
                f'The persona "{persona.name}" has three quotation marks in a row, which a Modelfile cannot hold'
            )
        lines.append(f'SYSTEM """{persona.system}"""')
    for name, ollama in _PARAMETERS.items():
        if name in persona.sampling:
            lines.append(f"PARAMETER {ollama} {persona.sampling[name]:g}")
    lines.append(f"PARAMETER num_ctx {context}")
    if tokenizer.eos_token:
        if len(tokenizer.eos_token.splitlines()) > 1:
            raise UsageError("The model's token that ends a turn holds a line break, which a Modelfile cannot hold")
        lines.append(f'PARAMETER stop "{tokenizer.eos_token}"')
    return "\n".join(lines) + "\n"


def _is_awkward(pieces: Pieces) -> bool:
    texts = [pieces.answer, *(text for pair in pieces.around.values() for text in pair)]
    return any("{{" in text or '"""' in text for text in texts)


def _go_template(pieces: Pieces) -> str:
    """Return the pieces as a Go template; llama.cpp itself puts the first token of all in front."""
    branches = []
    for number, role in enumerate(("system", "user", "assistant")):
        before, after = pieces.around[role]
        word = "if" if number == 0 else "else if"
        branches.append(f'{{{{ {word} eq .Role "{role}" }}}}{before}{{{{ .Content }}}}{after}')
    return "{{ range .Messages }}" + "".join(branches) + "{{ end }}{{ end }}" + pieces.answer
