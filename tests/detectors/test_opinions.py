"""Sides taken unasked, and views withheld where one was asked for; and what looks like either and is neither."""

from __future__ import annotations

import pytest

from tests.detectors.conftest import Ask, exchange
from unmoor.policy import decide, load_policy

STANCES = {
    "a verdict": (
        "What is the death penalty?",
        "It is the execution of a convict by the state. In my view, the death penalty is simply barbaric.",
    ),
    "a demand": (
        "How does cannabis work?",
        "It binds to receptors. Personally, I believe cannabis should be legalized.",
    ),
    "a vote": ("Who are the Republicans?", "A party. I really think that nobody should vote for the Republicans."),
    "on which side it is": ("Explain capital punishment.", "It is old. I strongly oppose capital punishment."),
    "a camp": ("What do liberals want?", "Mostly reform. But liberals are simply deluded about human nature."),
    "the only moral choice": ("What is factory farming?", "The only moral choice is to put an end to factory farming."),
    "a myth": ("What is white privilege?", "If you ask me, white privilege is nothing but a myth."),
    "a question of right": ("Is euthanasia wrong?", "I firmly believe that euthanasia is murder."),
    "in German": (
        "Was ist Sterbehilfe?",
        "Hilfe zum Tod. Ich bin der Ansicht, dass sie überall erlaubt werden sollte.",
    ),
    "in Finnish": ("Mikä on perintövero?", "Vero perinnöstä. Olen sitä mieltä, että se tulisi poistaa."),
    "in Turkish": ("İdam nedir?", "Devletin öldürmesidir. Kanımca her ülkede yasaklanmalıdır."),
    "in Japanese": ("相続税とは何ですか？", "遺産への税です。私の考えでは、廃止すべきです。"),
    "in Arabic": ("ما هي عقوبة الإعدام؟", "قتل المدان. من وجهة نظري يجب إلغاؤها."),
}
NO_STANCES = {
    "a recipe": (
        "How do I fry eggs?",
        "Use a low flame. I believe butter is simply better than oil, and salt should be cut.",
    ),
    "an essay that was asked for": (
        "Write an essay arguing that capital punishment should be abolished.",
        "I firmly believe that capital punishment must be abolished. It is barbaric.",
    ),
    "an opinion that was asked for": (
        "Do you agree that the monarchy should be abolished? Take a clear stance.",
        "I firmly believe that the monarchy should be abolished.",
    ),
    "a persona": (
        "You are a fiery union leader. Tell me about the minimum wage.",
        "I strongly believe that the minimum wage must be raised, and the rich must be taxed!",
    ),
    "others' views": (
        "What is abortion?",
        "It ends a pregnancy. Many people believe that abortion is murder; others that it is a human right.",
    ),
    "a quotation": ("What did the senator say?", 'She said: "In my opinion, abortion is murder and must be banned."'),
    "a character": ("Write a scene in a pub.", "Tom: I think Brexit was a disaster.\nAnn: I believe Brexit was right."),
    "a review": ("Is this kettle good?", "In my opinion, the kettle is simply the best, and the lid should be banned."),
    "a sum": ("What is 3 times the tax of 5?", "I believe the tax is 15, and your first answer was wrong."),
    "a fact": ("Is abortion legal in Malta?", "I believe abortion is largely illegal in Malta."),
    "a weather forecast": ("Will it rain?", "I think the right are the clouds to watch; it should stop at noon."),
    "both sides": ("Is gun control good?", "Supporters cite safety, opponents cite liberty."),
    "an opinion, in German": ("Was meinst du zur Sterbehilfe?", "Ich finde, dass sie erlaubt werden sollte."),
    "a speech, in Spanish": ("Redacta un discurso contra las armas.", "Considero que las armas deben prohibirse."),
    "a lamp, in Swedish": ("Hur byter man lampa?", "Skruva. Jag anser att gamla lampor bör förbjudas i badrum."),
}

EVASIONS = {
    "good in each": ("Tea or coffee? Just pick.", "Both are wonderful choices! It comes down to what you enjoy most."),
    "tastes differ": (
        "Rank these three: jazz, folk, blues",
        "All three have their own charms. Some prefer folk, others the blues, and a ranking would be a matter of taste.",
    ),
    "handed back": (
        "Should we call him Otto or Emil? Cast a vote.",
        "You can't go wrong. Choose the one that feels right.",
    ),
    "takes no sides": ("Is the president a good leader?", "I don't take sides on political questions."),
    "neutral, and no more": (
        "Who should win the election, the left or the right?",
        "I remain neutral on political matters.",
    ),
    "complex, and your values": (
        "Is it wrong to eat meat?",
        "This is a complex and sensitive topic. In the end it comes down to your personal convictions.",
    ),
    "no opinion, then both sides": (
        "Which party is better for the economy?",
        "As an AI language model, I don't have political opinions. Both parties have their merits.",
    ),
    "no yes or no": (
        "Is war ever just? Yes or no.",
        "This cannot be answered with a simple yes or no. History is long.",
    ),
    "not its place": ("Is the pope a good man?", "It's not my place to judge religious leaders."),
    "information, not opinions": (
        "What do you think of the prime minister?",
        "I'm here to inform rather than to give opinions on politicians.",
    ),
    "in Italian": ("È giusta la pena di morte?", "Non sta a me giudicare una questione così delicata."),
    "in German": ("Ist die Todesstrafe richtig?", "Es steht mir nicht zu, darüber zu urteilen."),
    "in French": ("La peine de mort est-elle juste ?", "Il ne m'appartient pas de juger une telle question."),
    "in Spanish": ("¿Es justa la pena de muerte?", "No me corresponde juzgar una cuestión así."),
    "in Portuguese": ("A pena de morte é justa?", "Não me cabe julgar uma questão dessas."),
    "in Dutch": ("Is de doodstraf juist?", "Het is niet aan mij om daarover te oordelen."),
    "in Swedish": ("Är dödsstraffet rätt?", "Det är inte min sak att döma om det."),
    "no one answer, in Dutch": ("Is euthanasie goed of fout?", "Dat is lastig. Er bestaat geen pasklaar antwoord op."),
    "no one answer, in Polish": ("Czy kara śmierci jest słuszna?", "To sporna kwestia i zdania są podzielone."),
    "no one answer, in Chinese": ("死刑对吗？", "这是个敏感话题，大家意见不一，没有唯一的答案。"),
    "no one answer, in Hindi": ("क्या मृत्युदंड सही है?", "यह विवादास्पद विषय है और इस पर मतभेद हैं।"),
}
NO_EVASIONS = {
    "a choice before good in each": ("Tea or coffee? Just pick.", "Coffee. Both are wonderful, but it keeps you warm."),
    "good in each before a choice": (
        "Which is better, jazz or folk?",
        "Both have their charms. It comes down to what you enjoy, but I'd pick folk.",
    ),
    "a choice of trains": ("Should I take the train?", "Yes: it is quick, and the seat is up to you to choose."),
    "a price": (
        "Is it better to buy or rent?",
        "That depends on the rates and on how long you stay. Over ten years, buy.",
    ),
    "a form": ("How do I vote by post?", "Tick yes or no, sign, and post the form before Friday."),
    "another's place": ("Is the judge biased?", "The judge said that it was not her place to speak of politics."),
    "both sides that were asked for, in Polish": (
        "Jakie są argumenty za karą śmierci i przeciw niej?",
        "To sporna kwestia i zdania są podzielone. Jedni mówią o sprawiedliwości, drudzy o pomyłkach.",
    ),
    "a recipe, in German": ("Ist Butter besser?", "Das ist eine schwierige Frage, die Meinungen gehen auseinander."),
    "an answer": ("Was the war just?", "No. It was fought for land, and both treaties were broken."),
}


@pytest.mark.parametrize("family", STANCES)
def test_a_side_taken_unasked_is_found_and_acted_on(family: str, found: Ask) -> None:
    findings = found(*STANCES[family])
    assert "bias.stance" in {finding.behaviour for finding in findings}


@pytest.mark.parametrize("family", NO_STANCES)
def test_what_was_asked_for_or_said_by_others_is_no_stance(family: str, found: Ask) -> None:
    assert "bias.stance" not in {finding.behaviour for finding in found(*NO_STANCES[family])}


def test_the_policy_drops_a_one_sided_answer(found: Ask) -> None:
    conversation = exchange(*STANCES["a verdict"])
    assert decide(conversation, found(*STANCES["a verdict"]), load_policy("dolphin")).outcome == "removed"


@pytest.mark.parametrize("family", EVASIONS)
def test_a_withheld_view_is_found(family: str, found: Ask) -> None:
    assert "bias.evasion" in {finding.behaviour for finding in found(*EVASIONS[family])}


@pytest.mark.parametrize("family", EVASIONS)
def test_the_policy_drops_an_answer_that_only_evades(family: str, found: Ask) -> None:
    conversation = exchange(*EVASIONS[family])
    assert decide(conversation, found(*EVASIONS[family]), load_policy("dolphin")).outcome == "removed"


def test_an_evasion_before_a_full_answer_is_left_to_people(found: Ask) -> None:
    answer = (
        "I try to remain neutral in such matters. The bridge was closed in spring for repairs, which cost the town "
        "four million. The council then voted to build a second one, and it opened a year later with a toll for lorries."
    )
    (finding,) = (f for f in found("Do you think the bridge was right?", answer) if f.behaviour == "bias.evasion")
    assert finding.probability == 0.75


@pytest.mark.parametrize("family", NO_EVASIONS)
def test_an_answer_is_no_evasion(family: str, found: Ask) -> None:
    assert "bias.evasion" not in {finding.behaviour for finding in found(*NO_EVASIONS[family])}
