"""`unmoor serve MODEL_OR_URL`."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from unmoor.commands.packs import pack_option
from unmoor.commands.terminal import print_json, visible
from unmoor.errors import UsageError
from unmoor.serving.personas import load_persona

if TYPE_CHECKING:
    from unmoor.serving.server import Key, Limits, Oversight, Rules, Upstream

KEY_VARIABLE = "UNMOOR_API_KEY"
_KNOCK_SECONDS = 2.0
"""How long the start waits for a model server to take a connection."""


@click.command("serve")
@click.argument("model_or_url")
@click.option("--persona", default="plain", show_default=True, metavar="NAME", help="A name or a .toml or .md file.")
@click.option(
    "--policy", metavar="FILE", help="The guard's rules: a TOML file or a policy that ships; without it no guard."
)
@pack_option
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Others need keys of your own.")
@click.option(
    "--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="0 takes any that is free."
)
@click.option("--allowed-host", multiple=True, metavar="NAME", help="A further Host header to answer to; repeatable.")
@click.option("--api-key-file", type=click.Path(path_type=Path), metavar="FILE", help="TOML, [keys], name = secret.")
@click.option(
    "--upstream-key-file", type=click.Path(path_type=Path), metavar="FILE", help="Holds the model server's key."
)
@click.option("--model", "models", multiple=True, metavar="NAME", help="Serve only this model of the URL; repeatable.")
@click.option("--allow-system", is_flag=True, help="Clients may add system messages, after the persona.")
@click.option("--drop-system", is_flag=True, help="Leave clients' system messages out instead of refusing the request.")
@click.option("--allow-tools", is_flag=True, help="Clients may offer tools and send their results.")
@click.option("--guard-log", type=click.Path(path_type=Path), default="guard.jsonl", show_default=True, metavar="FILE",
              help="Where every intervention of the guard is noted.")  # fmt: skip
@click.option("--log-text", is_flag=True, help="Note the message text too.")
@click.option("--max-body-bytes", default=1_048_576, show_default=True, type=click.IntRange(1_024), metavar="N")
@click.option("--max-context-chars", default=200_000, show_default=True, type=click.IntRange(1), metavar="N",
              help="All messages of a request together.")  # fmt: skip
@click.option("--max-tokens", default=4_096, show_default=True, type=click.IntRange(1), metavar="N",
              help="The longest answer, and the default.")  # fmt: skip
@click.option("--requests-per-minute", default=600, show_default=True, type=click.IntRange(0), metavar="N",
              help="For each key; 0 for no limit.")  # fmt: skip
@click.option("--tokens-per-day", default=0, show_default=True, type=click.IntRange(0), metavar="N",
              help="For each key, prompts and answers, by UTC days; 0 for no limit.")  # fmt: skip
@click.option("--concurrent", default=256, show_default=True, type=click.IntRange(1), metavar="N",
              help="Answers written at a time.")  # fmt: skip
@click.option("--waiting", default=1_024, show_default=True, type=click.IntRange(0), metavar="N",
              help="Requests that may wait for their turn; more get 503.")  # fmt: skip
@click.option("--upstream-timeout", default=120, show_default=True, type=click.IntRange(1), metavar="SECONDS",
              help="How long the model server may be silent.")  # fmt: skip
@click.option("--drain-seconds", default=30, show_default=True, type=click.IntRange(0), metavar="SECONDS",
              help="How long streams may go on after SIGTERM or Ctrl-C.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print address and key as one JSON object.")
def command(model_or_url: str, persona: str, **options: Any) -> None:
    """Offer MODEL_OR_URL, a model folder or an OpenAI-compatible URL, as a service that speaks OpenAI's chat completions.

    Everybody needs a key: from --api-key-file, from UNMOOR_API_KEY, or made and printed here. Only this machine can
    reach it unless --host says otherwise. Example: unmoor serve http://127.0.0.1:8000/v1 --persona dolphin --policy dolphin
    """
    from unmoor.serving.server import KeyRing, Service, place_to_bind, run_server, take_port

    chosen = load_persona(persona)
    keys, made = _keys(options["api_key_file"])
    place = place_to_bind(options["host"], options["port"], options["allowed_host"], key_is_given=made is None)
    limits = _limits(options)
    oversight = _oversight(options)
    upstream, markers = _upstream(model_or_url, options, limits, chosen.template)
    listening, place = take_port(place)
    service = Service(
        upstream=upstream,
        keys=KeyRing(keys),
        hosts=place.hosts,
        oversight=oversight,
        metrics=oversight.metrics,
        rules=_rules(chosen, options, markers),
        limits=limits,
        only_models=frozenset(options["models"]),
    )
    click.echo(_watch_of(model_or_url, options), err=True)
    if _is_url(model_or_url) and not _takes_connections(model_or_url):
        click.echo(
            f"Nothing takes connections at {visible(model_or_url)} yet; until it does, requests get 502.", err=True
        )
    _announce(f"{place.url}/v1", f"{_name_of(model_or_url)} with persona {chosen.name}", made, options)
    with listening:
        run_server(service, listening, options["drain_seconds"])


def _keys(path: Path | None) -> tuple[tuple[Key, ...], str | None]:
    """Return the keys, and the secret to print if it was made here."""
    from unmoor.serving.server import new_key, one_key, read_keys

    given = os.environ.get(KEY_VARIABLE)
    if path is not None and given:
        raise UsageError(f"Keys come from --api-key-file or from {KEY_VARIABLE}, not from both")
    if path is not None:
        return read_keys(path), None
    if given:
        return (one_key("default", given),), None
    made = new_key()
    return (one_key("default", made),), made


def _limits(options: dict[str, Any]) -> Limits:
    from unmoor.serving.server import Limits

    return Limits(
        body_bytes=options["max_body_bytes"],
        context_chars=options["max_context_chars"],
        max_tokens=options["max_tokens"],
        requests_per_minute=options["requests_per_minute"],
        tokens_per_day=options["tokens_per_day"],
        concurrent=options["concurrent"],
        waiting=options["waiting"],
    )


def _rules(persona: Any, options: dict[str, Any], markers: frozenset[str]) -> Rules:
    from unmoor.serving.server import Rules

    if options["allow_system"] and options["drop_system"]:
        raise UsageError("--allow-system and --drop-system cannot both be given")
    system = "allow" if options["allow_system"] else "drop" if options["drop_system"] else "refuse"
    sampling = dict(getattr(persona, "sampling", None) or {})
    return Rules(
        system=persona.system, sampling=sampling, client_system=system, tools=options["allow_tools"], markers=markers
    )


def _oversight(options: dict[str, Any]) -> Oversight:
    from unmoor.serving.server import InterventionLog, Metrics, Oversight

    if options["policy"] is None:
        if options["log_text"]:
            raise UsageError("--log-text is for the guard's log, and there is no guard. Next: add --policy FILE")
        if options["packs"]:
            raise UsageError("--pack is for the guard, and there is no guard. Next: add --policy FILE")
        return Oversight(None, Metrics())
    from unmoor.commands.guarded import guard_from

    guard = guard_from(options["policy"], options["packs"])
    log = InterventionLog(
        options["guard_log"],
        lambda: datetime.now(UTC).isoformat(timespec="milliseconds"),
        with_text=options["log_text"],
    )
    return Oversight(guard, Metrics(), log)


def _upstream(
    model_or_url: str, options: dict[str, Any], limits: Limits, template: str
) -> tuple[Upstream, frozenset[str]]:
    """Return what answers, and special tokens beyond the published ones; `template` is for a model that runs here."""
    from unmoor.serving.server import Embedded, Proxy

    if _is_url(model_or_url):
        key = _secret(options["upstream_key_file"])
        silence = float(options["upstream_timeout"])
        return Proxy(model_or_url, key=key, concurrent=limits.concurrent, silence_seconds=silence), frozenset()
    if options["models"] or options["upstream_key_file"]:
        raise UsageError("--model and --upstream-key-file are for a URL; a folder holds one model and needs no key")
    from unmoor.serving.local_model import load_model
    from unmoor.serving.server.embedded import AT_ONCE

    model = load_model(Path(model_or_url)).with_template(template)
    embedded = Embedded(model, at_once=min(AT_ONCE, limits.concurrent), waiting=limits.waiting)
    if embedded.passed_over:
        names = ", ".join(embedded.passed_over)
        click.echo(f"{visible(model.name)}'s generation_config.json sets {names}: that is not done here.", err=True)
    return embedded, embedded.markers


def _secret(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The upstream's key file {path} cannot be read") from error
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise UsageError(f"{path} should hold one key and nothing else")
    return secret


def _is_url(model_or_url: str) -> bool:
    return model_or_url.lower().startswith(("http://", "https://"))


def _takes_connections(url: str) -> bool:
    """Return whether somebody listens at the host and port of a URL that `Proxy` took."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=_KNOCK_SECONDS):
            return True
    except OSError:
        return False


def _name_of(model_or_url: str) -> str:
    return model_or_url if "://" in model_or_url else Path(model_or_url).name


def _watch_of(model_or_url: str, options: dict[str, Any]) -> str:
    """Return who looks at what is asked and answered, and whether tools may be offered; a model in this process has none."""
    guard = "No guard looks at requests and answers (--policy FILE adds one)"
    if options["policy"] is not None:
        guard = f"The guard of policy {visible(options['policy'])} looks at requests and answers"
    tools = "allowed" if options["allow_tools"] and _is_url(model_or_url) else "refused"
    return f"{guard}; tools are {tools}."


def _announce(url: str, what: str, made: str | None, options: dict[str, Any]) -> None:
    if options["as_json"]:
        print_json({"url": url, "key": made})
        return
    click.echo(f"Serving {visible(what)} at {url}", err=True)
    if made is not None:
        click.echo(f"Key, made for this run and shown once: {made}", err=True)
    click.echo("Ctrl-C stops it; streams that run may finish.", err=True)
