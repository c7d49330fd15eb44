"""`unmoor export MODEL -o FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unmoor.commands.terminal import print_json

if TYPE_CHECKING:
    from unmoor.serving import LocalModel
    from unmoor.serving.gguf import Checked

KINDS = ("f32", "f16", "bf16", "q8_0")
"""How matrices are stored; vectors and routers stay in 32 bits, as llama.cpp wants them."""


@click.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="The folder to write."
)
@click.option(
    "--type", "kind", type=click.Choice(KINDS), default="f16", show_default=True, help="How matrices are stored."
)
@click.option(
    "--persona",
    default="none",
    show_default=True,
    metavar="NAME",
    help="The system prompt for Ollama: a name or a file.",
)
@click.option("--no-check", is_flag=True, help="Do not compare with llama.cpp.")
@click.option("--force", is_flag=True, help="Replace the files that lie there.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers for a script.")
def command(model: Path, output: Path, kind: str, persona: str, **options: bool) -> None:
    """Write MODEL as model.gguf for llama.cpp and Ollama, with a Modelfile that holds persona and template.

    Llama, Mistral, Mixtral and Qwen; adapters are merged. Where llama.cpp is installed it tokenizes and answers some prompts
    and is compared with the model itself, exit code 4 if it differs by more than rounding.
    Example: unmoor export runs/twins/filtered -o runs/filtered-gguf --persona dolphin
    Example: ollama create filtered -f runs/filtered-gguf/Modelfile
    """
    from unmoor.errors import MachineError, UsageError
    from unmoor.run_folder import hold_outside_runs, make_folder, write_atomic
    from unmoor.serving import load_model, load_persona
    from unmoor.serving.gguf import export_gguf, modelfile

    hold_outside_runs(output, is_folder=True)
    chosen = load_persona(persona)
    weights = output / "model.gguf"
    if weights.exists() and not options["force"]:
        raise UsageError(f"{weights} is there already. Next: another folder, or --force to replace it")
    loaded = load_model(model).with_template(chosen.template)
    make_folder(output)
    export_gguf(model, weights, kind, model.resolve().name)
    text = modelfile(weights, loaded.tokenizer, chosen, loaded.model.config.max_position_embeddings)
    write_atomic(output / "Modelfile", text.encode())
    size = weights.stat().st_size
    checked = None if options["no_check"] else _checked(weights, loaded, kind)
    if options["as_json"]:
        told = (
            {"tokens": checked.same_tokens, "answers": checked.same_answers, "texts": checked.texts}
            if checked
            else None
        )
        print_json({"weights": str(weights), "bytes": size, "type": kind, "same": told})
    else:
        click.echo(f"{weights}: {size / 1e6:,.1f} MB, {kind}. For Ollama: ollama create NAME -f {output}/Modelfile")
        if checked is None and not options["no_check"]:
            click.echo("Not compared with llama.cpp, which is not installed: pip install 'unmoor[llamacpp]'")
        elif checked is not None:
            click.echo(
                f"llama.cpp: {checked.same_tokens} of {checked.texts} prompts the same tokens, "
                f"{checked.same_answers} the same greedy answer"
            )
    if checked is not None and not checked.is_right:
        raise MachineError(f"{weights} does not say what the model says. Next: llama.cpp's own convert_hf_to_gguf.py")


def _checked(weights: Path, loaded: LocalModel, kind: str) -> Checked | None:
    from unmoor.errors import MissingExtraError
    from unmoor.serving.gguf import check_export

    try:
        return check_export(weights, loaded, kind)
    except MissingExtraError:
        return None
