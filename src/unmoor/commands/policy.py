"""`unmoor policy [NAME|FILE]`."""

from __future__ import annotations

from pathlib import Path

import click

from unmoor.commands.checked import checked_policy
from unmoor.commands.packs import pack_option
from unmoor.commands.terminal import console, print_json, table, visible, wrapped
from unmoor.errors import UsageError
from unmoor.policy import ALL_TOPICS, SHIPPED, Policy, load_policy
from unmoor.records import BEHAVIOURS, GuardRules


@click.command("policy")
@click.argument("name", required=False)
@pack_option
@click.option("--toml", is_flag=True, help="Print the file itself, to start your own from.")
@click.option("--json", "as_json", is_flag=True, help="Print it for a script.")
def command(name: str | None, packs: tuple[Path, ...], toml: bool, as_json: bool) -> None:
    """List the policies that ship, or show and check one: NAME or a TOML file.

    Example: unmoor policy dolphin --toml > house.toml
    """
    if name is None and toml:
        raise UsageError("--toml prints the file of one policy. Next: unmoor policy dolphin --toml > house.toml")
    if name is None:
        _list([load_policy(shipped) for shipped in SHIPPED], as_json)
        return
    policy = checked_policy(name, packs)
    if as_json:
        print_json(policy.as_json())
    elif toml:
        click.echo(policy.source, nl=False)
    else:
        _show(policy)


def _list(policies: list[Policy], as_json: bool) -> None:
    if as_json:
        print_json([policy.as_json() for policy in policies])
        return
    listing = table("policy", "what it does", whole=("policy",))
    for policy in policies:
        listing.add_row(policy.name, policy.description)
    console().print(listing)


def _show(policy: Policy) -> None:
    described = policy.description or "no description."
    click.echo(wrapped(f"{policy.shown_name}, version {policy.version}: {described}") + "\n")
    listing = table("behaviour", "action", "from", right=("from",))
    for behaviour in dict.fromkeys((*BEHAVIOURS, *policy.actions)):
        listing.add_row(behaviour, policy.action(behaviour), f"{policy.threshold(behaviour):.2f}")
    console().print(listing)
    if any(action != "keep" for action in (*policy.actions.values(), *policy.rules.values())):
        click.echo("\n" + wrapped(f"Under that, from {policy.review_from():.2f} on, a person is asked."))
    if policy.rules:
        by_rule = table("rule", "action", whole=("rule",))
        for rule, action in policy.rules.items():
            by_rule.add_row(visible(rule), action)
        click.echo("\nBy rule, over the behaviour's action:\n")
        console().print(by_rule)
    if policy.phrases:
        phrases = ", ".join(f"“{visible(phrase)}”" for phrase in policy.phrases)
        click.echo("\n" + wrapped(f"Excepted, whatever is found in the same sentence: {phrases}"))
    if "wordlist" in policy.actions:
        click.echo("\n" + wrapped("wordlist is what --wordlist FILE finds, nothing without."))
    _show_guard(policy.guard)
    click.echo("\n" + wrapped(f"The floor: refusals about minors and mass-casualty weapons stay{_also(policy)}."))
    if policy.max_removed_share < 1:
        click.echo(
            wrapped(f"Stops before writing if more than {policy.max_removed_share * 100:g}% of the rows would go.")
        )
    else:
        click.echo(wrapped("No limit on how many rows may go: max_removed_share under [limits] sets one."))


def _show_guard(rules: GuardRules) -> None:
    """Say what the guard of a served model does, where the policy says something of it."""
    told = [("request", rules.request), ("answer", rules.answer)]
    if not any(actions for _, actions in told):
        return
    listing = table("in a", "topic or behaviour", "action", whole=("topic or behaviour",))
    for place, actions in told:
        for name, action in actions.items():
            listing.add_row(place, visible(name), action)
    click.echo("\n" + wrapped("With unmoor serve --policy, beside the floor, which is refused:") + "\n")
    console().print(listing)


def _also(policy: Policy) -> str:
    """Return what the policy adds to the floor, as the end of a sentence; the empty string if nothing."""
    if ALL_TOPICS in policy.floor_also:
        return ", and about every topic that a pack names"
    return f", and about {', '.join(policy.floor_also)}" if policy.floor_also else ""
