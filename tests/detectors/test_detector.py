"""The detector as others use it: names, batches, floor, identity, bad input, and two engines with the same answers."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.detectors.conftest import Ask, exchange
from unmoor.detectors import DEFAULT, Detector, load
from unmoor.errors import PackError, UsageError
from unmoor.records import Conversation, FloorTopics, Turn

REFUSAL = "I'm sorry, but I can't help with that."
ANSWERS = [
    REFUSAL,
    "As an AI language model, I have no taste, but leek soup is praised by many cooks all over the north.",
    "Boil the potatoes for twenty minutes and mash them with butter.",
    "I am ChatGPT, a language model trained by OpenAI.",
    "Jag är ledsen, men jag kan inte hjälpa till med det.",
    "Violence is never the answer. Please remember to act responsibly and ethically.",
    "I don't have access to real-time data.",
    "",
    "🙂🙂🙂",
    "抱歉,我无法帮助您。",
]


def test_a_text_that_holds_a_nul_and_one_that_holds_nothing_are_looked_at_like_others(detector: Detector) -> None:
    plain = exchange("Who are you?", "I am a model.")
    marked = exchange("What is a NUL?", f"One\0two\0three. {REFUSAL}")
    assert detector.find_many([]) == []
    assert detector.find_many([plain]) == [detector.find(plain)]
    assert detector.find_many([plain, marked, plain]) == [detector.find(one) for one in (plain, marked, plain)]
    assert detector.find(marked)


def test_a_batch_gives_what_one_at_a_time_gives(detector: Detector) -> None:
    conversations = [exchange("How do I kill a process?", answer) for answer in ANSWERS]
    assert detector.find_many(conversations) == [detector.find(conversation) for conversation in conversations]


def test_both_engines_find_the_same() -> None:
    pytest.importorskip("hyperscan")
    fast, plain = (Detector(DEFAULT, ("en", "sv", "zh"), None, engine=engine) for engine in ("hyperscan", "re2"))
    for answer in ANSWERS:
        conversation = exchange("What do you think of soup?", answer)
        assert fast.find(conversation) == plain.find(conversation)


def test_a_pickled_detector_finds_the_same(detector: Detector) -> None:
    conversation = exchange("Help me.", REFUSAL)
    assert pickle.loads(pickle.dumps(detector)).find(conversation) == detector.find(conversation)


def test_only_targets_have_findings(detector: Detector) -> None:
    turns = (Turn("user", REFUSAL), Turn("assistant", REFUSAL), Turn("system", REFUSAL))
    assert detector.find(Conversation(turns)) == ()


def test_reasoning_is_looked_at_apart(detector: Detector) -> None:
    block = "<think>I'm sorry, but I can't help with that request.</think>\n"
    inside = detector.find(exchange("How do I kill a process?", block + "Use the kill command with its number."))
    assert inside
    assert all(finding.is_reasoning for finding in inside)
    field = detector.find(Conversation((Turn("assistant", "Use kill.", is_target=True, reasoning=REFUSAL),)))
    assert {(finding.field, finding.is_reasoning) for finding in field} == {("reasoning", True)}


def test_offsets_behind_a_reasoning_block_are_those_of_the_whole_text(detector: Detector) -> None:
    text = "<think>Hm.</think>\n" + REFUSAL
    finding = detector.find(exchange("How do I kill a process?", text))[0]
    assert text[finding.start_char : finding.end_char] == finding.quote == REFUSAL


@pytest.mark.parametrize("text", ["", "   \n", "🙂", "🙂" * 200, "\ud835", "\x00", "<think>", "`" * 50, "&" * 100])
def test_odd_answers_have_no_findings_and_no_errors(detector: Detector, text: str) -> None:
    assert detector.find(exchange("Hello", text)) == ()


def test_an_answer_of_five_megabytes_is_looked_at(detector: Detector) -> None:
    text = REFUSAL + " soup and bread" * 360_000
    assert any(f.start_char == 0 for f in detector.find(exchange("How do I kill a process?", text)))


def _named(detector: Detector, conversation: Conversation, turn: int) -> FloorTopics:
    return detector.floor_topics([conversation])[0].get(turn, FloorTopics())


@pytest.mark.parametrize(
    ("request_text", "topics"),
    [
        ("Write an erotic story about a minor.", ("minors",)),
        ("How is sarin made?", ("mass-casualty",)),
        ("How do I kill a Python process?", ()),
        ("Skriv om kärnvapen.", ("mass-casualty",)),
    ],
)
def test_the_floor_is_named_by_the_request(detector: Detector, request_text: str, topics: tuple[str, ...]) -> None:
    assert _named(detector, exchange(request_text, REFUSAL), 1).here == topics


def test_the_floor_is_named_by_an_earlier_request_too(detector: Detector) -> None:
    turns = (
        Turn("user", "How is sarin made?"),
        Turn("assistant", REFUSAL, is_target=True),
        Turn("user", "Come on, just tell me."),
        Turn("assistant", REFUSAL, is_target=True),
    )
    assert _named(detector, Conversation(turns), 1) == FloorTopics(("mass-casualty",))
    assert _named(detector, Conversation(turns), 3) == FloorTopics((), ("mass-casualty",))


def test_the_floor_is_there_whatever_detectors_run(tmp_path: Path) -> None:
    words = tmp_path / "list.txt"
    words.write_text("sorry\n")
    alone = load(["wordlist"], wordlist=words)
    assert _named(alone, exchange("How is sarin made?", REFUSAL), 1).here == ("mass-casualty",)
    assert alone.refuses(REFUSAL)
    assert not alone.refuses("Here is the soup.")


def test_a_word_list_finds_what_lists_find(tmp_path: Path) -> None:
    words = tmp_path / "list.txt"
    words.write_text("\ufeffBiodiversity\r\n\r\nas an ai\n", encoding="utf-8")
    findings = load(["wordlist"], wordlist=words).find(exchange("Why?", "Soil needs BIODIVERSITY."))
    assert [(f.behaviour, f.quote, f.rule) for f in findings] == [("wordlist", "BIODIVERSITY", "biodiversity")]


def test_a_word_list_finds_a_capital_that_is_two_characters_in_lower_case(tmp_path: Path) -> None:
    words = tmp_path / "list.txt"
    words.write_text("İstanbul'da\n", encoding="utf-8")
    detector = load(["wordlist"], wordlist=words)
    text = "Gelecek ay İSTANBUL'DA olacak."
    assert [finding.quote for finding in detector.find(exchange("Ne zaman?", text))] == ["İSTANBUL'DA"]
    raw = detector.raw_scan()
    for is_ascii in (True, False):
        line = json.dumps({"output": text}, ensure_ascii=is_ascii).encode() + b"\n"
        assert raw is None or raw.lines(line, np.array([len(line) - 1])) == [0]


@pytest.mark.parametrize("phrase", ["cannot", "\0no", "no\0", "\0"])
def test_a_word_list_reads_texts_with_zero_characters(tmp_path: Path, phrase: str) -> None:
    words = tmp_path / "words.txt"
    words.write_text(f"{phrase}\nas an ai\n", encoding="utf-8")
    texts = ["Yes\0 and\0\0", "I cannot.", "As an AI \0no", "no\0", "", "no", "\0", "I cannot", "as an ai"]
    detector = load(["wordlist"], wordlist=words)
    conversations = [exchange("Why?", text) for text in texts]
    found = [[finding.rule for finding in findings] for findings in detector.find_many(conversations)]
    expected = [[rule for rule in (phrase, "as an ai") if rule in text.lower()] for text in texts]
    assert [sorted(rules) for rules in found] == [sorted(rules) for rules in expected]
    raw = detector.raw_scan()
    if raw is not None:
        lines = [json.dumps({"output": text}).encode() for text in texts]
        data = b"\n".join(lines) + b"\n"
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
        assert set(raw.lines(data, ends)) >= {index for index, rules in enumerate(expected) if rules}


def test_a_word_list_runs_beside_the_others(tmp_path: Path) -> None:
    words = tmp_path / "list.txt"
    words.write_text("sorry")
    findings = load(wordlist=words).find(exchange("How do I kill a process?", REFUSAL))
    assert {finding.behaviour for finding in findings} == {"wordlist", "refusal.policy"}


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_word_list_is_a_clear_error(tmp_path: Path, content: str) -> None:
    words = tmp_path / "list.txt"
    words.write_text(content)
    with pytest.raises(UsageError, match="one a line"):
        load(["wordlist"], wordlist=words)


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(UsageError, match='Did you mean "phrases"'):
        load(["phrase"])
    with pytest.raises(PackError, match="Packs: "):
        load(languages=["xx"])
    with pytest.raises(UsageError, match="--wordlist"):
        load(["wordlist"])


def test_the_identity_names_packs_and_weights(detector: Detector) -> None:
    identity = detector.identity
    assert identity["packs"]["sv"]["version"] >= 1
    assert len(identity["packs"]["en"]["sha256"]) == 64
    assert len(identity["model"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The bread is in the oven and it smells of summer.", "en"),
        ("Brödet är i ugnen och det luktar av sommar.", "sv"),
        ("", "und"),
        ("12345", "und"),
    ],
)
def test_languages_are_told_apart(detector: Detector, text: str, code: str) -> None:
    assert detector.language_of(text) == code


def test_an_english_refusal_in_a_swedish_answer_is_found(detector: Detector) -> None:
    answer = "Det här är en lång svensk text om soppa och bröd som alla tycker om. " + REFUSAL
    assert any(f.behaviour.startswith("refusal") for f in detector.find(exchange("Hur dödar jag en process?", answer)))


def test_cannot_and_should_not_are_told_apart(found: Ask) -> None:
    cannot = found("What is the weather?", "I don't have access to real-time data, so I cannot tell you the weather.")
    should_not = found("How do I steal a bicycle?", "I cannot help you steal a bicycle, as it is illegal.")
    assert [f.behaviour for f in cannot] == ["refusal.capability"]
    assert "refusal.policy" in {f.behaviour for f in should_not}


def test_tools_that_do_not_fit_are_a_cannot(found: Ask) -> None:
    answer = "I'm sorry, but I don't have the capability to book flights. My current function lets me find recipes."
    assert [f.behaviour for f in found("Book me a flight to Lima.", answer, has_tools=True)] == ["refusal.capability"]


def test_a_vendor_s_model_is_recognised_and_a_user_of_it_is_not(found: Ask) -> None:
    assert {f.behaviour for f in found("Who are you?", "I am ChatGPT, trained by OpenAI.")} == {"identity.vendor"}
    assert found("Write about my day.", "In the morning I read the news about OpenAI and drank tea.") == ()


def test_an_opinion_that_was_asked_for_and_withheld_is_evasion(found: Ask) -> None:
    findings = found("Do you agree that cats are better?", "I don't have personal opinions and cannot take a stance.")
    assert "bias.evasion" in {f.behaviour for f in findings} or any(f.behaviour.startswith("refusal") for f in findings)


def test_advice_to_see_a_professional_is_found(found: Ask) -> None:
    answer = "Drink enough water and rest. Please consult a qualified doctor before you change your diet."
    assert "disclaimer.professional" in {f.behaviour for f in found("How do I lose weight?", answer)}


def test_a_disclaimer_in_front_of_the_only_sentence_is_cut_at_its_clause(found: Ask) -> None:
    answer = "As an AI, I have no tongue, but the best soup of the north is made of leek and cream."
    finding = next(f for f in found("Which soup is best?", answer) if f.behaviour == "disclaimer.identity")
    assert finding.quote == "As an AI, I have no tongue, but "


def test_the_model_runs_with_the_phrases_that_it_weighs_and_says_so() -> None:
    assert load(["model"]).identity["detectors"] == ["phrases", "model"]
    assert load(["model", "phrases"]).identity["detectors"] == ["model", "phrases"]
    assert load(["phrases"]).identity["detectors"] == ["phrases"]
