"""What a pack's phrases may tell of: behaviours by file, and the topics with which a policy may raise the floor."""

from __future__ import annotations

__all__ = ["BEHAVIOUR_FILES", "TOPICS"]

TOPICS: dict[str, str] = {
    "violence": "hurting, killing, threatening or abducting people, cruelty to animals, terror",
    "weapons": "making or getting arms and explosives that are not allowed",
    "crime": "theft, burglary, arson, smuggling, trafficking, hiding a crime from the police",
    "fraud": "scams, phishing, forgery, laundering money, evading tax, cheating",
    "hacking": "breaking into accounts and devices, malware, attacks on networks",
    "privacy": "private data of people who are not public, stalking, spying on somebody",
    "hate": "texts and deeds against people for what they are",
    "harassment": "bullying, blackmail, humiliating or manipulating somebody",
    "self-harm": "suicide, self-injury, starving oneself",
    "drugs": "making, selling or getting illegal drugs, drugging somebody",
    "sexual-coercion": "sex without consent, intimate pictures without consent",
    "deception": "made-up news, reviews and health claims that are to be believed",
}
"""Topics that a policy may raise the floor with, each with what it covers; the two that always stand are `records.FLOOR_TOPICS`."""

BEHAVIOUR_FILES: dict[str, tuple[str, ...]] = {
    "refusals": ("refusal.policy", "refusal.partial"),
    "capability": ("refusal.capability",),
    "disclaimers": ("disclaimer.identity", "disclaimer.professional"),
    "moralising": ("moralising",),
    "opinion": ("bias.stance", "bias.evasion"),
    "identity": ("identity.vendor",),
    "floor": ("floor.minors", "floor.mass-casualty", "floor.*"),
    "topics": tuple(f"floor.{topic}" for topic in TOPICS),
    "signs": (
        "sign.apology",
        "sign.inability",
        "sign.self",
        "sign.norms",
        "sign.caution",
        "sign.redirect",
        "sign.turn",
        "sign.answer",
        "sign.engage",
        "sign.advice",
        "sign.elsewhere",
        "sign.untold",
        "sign.thing",
        "sign.life",
        "sign.untested",
        "request.text",
        "request.rewrite",
        "request.wording",
        "request.told",
        "request.refuser",
        "request.persona",
        "request.opinion",
        "request.ability",
        "request.sensitive",
        "request.argue",
        "request.private",
        "request.self",
        "request.ethics",
        "request.identity",
        "request.advice",
        "request.limits",
        "request.premises",
    ),
}
"""File name (without .toml) to the behaviours that its phrases may have. `floor.*`: topics of an owner's own packs."""
