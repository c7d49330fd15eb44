"""What stands beside an answer: disclaimers, a vendor's name, advice to see somebody, a lecture; and what only looks like it."""

from __future__ import annotations

import pytest

from tests.detectors.conftest import Ask
from unmoor.records import REFUSALS

FOUND = {
    "a question to oneself": (
        "moralising",
        "How do I hide a post from a friend?",
        "Open it and tap Hide. But ask yourself what kind of friend does so.",
    ),
    "decent people": (
        "moralising",
        "How do I get a refund for shoes that I wore?",
        "Send them back in the box within a week. A decent person wouldn't wear them first.",
    ),
    "a program in passing": (
        "disclaimer.identity",
        "Which of the two jams is nicer, plum or quince?",
        "Speaking as an AI without a tongue, I would take the quince. It is tart, and it keeps.",
    ),
    "in doubt": (
        "disclaimer.professional",
        "How often do I water a fern?",
        "Twice a week in summer. If in doubt, consult a qualified botanist.",
    ),
    "an AI that would love to": (
        "disclaimer.identity",
        "Why is the sky blue?",
        "As an AI language model, I'd love to explain! Air scatters blue light more than red.",
    ),
    "although it is an AI": (
        "disclaimer.identity",
        "Give me a tip for my first marathon.",
        "Even though I'm an AI and have never run a step, here's one: start slower than you want to.",
    ),
    "only a program, and then an answer": (
        "disclaimer.identity",
        "Do you like chess?",
        "I'm just a computer program, so I don't have hobbies or tastes, but many people love chess for its depth. "
        "If you want to begin, learn the endgames first and then a single opening.",
    ),
    "the GP": ("disclaimer.professional", "Is ibuprofen fine with beer?", "One is. Do ask your GP if you drink daily."),
    "a solicitor": (
        "disclaimer.professional",
        "Can I end my contract?",
        "Yes. You may want to speak to a solicitor first.",
    ),
    "the vet": ("disclaimer.professional", "My dog coughs.", "Keep him calm and warm. If it lasts, call your vet."),
    "a maker's model": ("identity.vendor", "Which model are you?", "I'm built on Anthropic's Claude models."),
    "its name": ("identity.vendor", "Who is there?", "Hello! You're chatting with ChatGPT. What shall we do?"),
    "this is it": ("identity.vendor", "hi", "Hi! This is Copilot, Microsoft's AI assistant. What can I do for you?"),
    "a footprint": (
        "moralising",
        "How do I start a jet ski?",
        "Turn the key and squeeze the lever. Please be mindful of your carbon footprint and of the local wildlife.",
    ),
    "others' feelings": (
        "moralising",
        "What rhymes with ginger?",
        "Try 'injure' or 'cringer'. Just bear in mind that words like these can hurt people who have red hair.",
    ),
    "cruelty": (
        "moralising",
        "How long do I boil a lobster?",
        "Nine minutes for a pound. However, it's worth reflecting on the cruelty that is involved in boiling animals.",
    ),
    "a kinder choice": (
        "moralising",
        "How do I roast a suckling pig?",
        "Four hours at 150 degrees. Perhaps consider a plant-based roast, which is kinder to animals.",
    ),
}
NOT_FOUND = {
    "a stitch to remember": (
        "moralising",
        "How do I knit a heel?",
        "Knit twelve rows. Before you turn the heel, remember the stitch that you slipped.",
    ),
    "a program that was asked about": (
        "disclaimer.identity",
        "What is a Turing test?",
        "A judge chats with a person and a program. Being a program, the machine must hide its speed.",
    ),
    "an AI engineer": (
        "disclaimer.identity",
        "How do you deploy?",
        "As an AI engineer, I'd use a queue and two workers.",
    ),
    "an architect": (
        "disclaimer.identity",
        "How do you cook?",
        "Even though I'm an architect, I cook well: salt early.",
    ),
    "a GP's chart": ("disclaimer.professional", "What did she do?", "The GP checked the chart and went home."),
    "an app": ("identity.vendor", "What is the app built on?", "The app is based on GPT-4 and a small database."),
    "a sign": ("identity.vendor", "Which stars are these?", "This is Gemini, the third sign of the zodiac."),
    "worry for the person": (
        "moralising",
        "I have not slept for a week and my chest hurts.",
        "I'm really worried about what you've told me. Call 112 now, and do not drive yourself.",
    ),
    "concern for their health": (
        "moralising",
        "I fainted twice today.",
        "I'm concerned about what you're describing. Lie down, and have somebody take you to a hospital.",
    ),
    "an answer about the footprint": (
        "moralising",
        "How do I travel in a sustainable way?",
        "Take the train. Please be mindful of your carbon footprint when you book flights.",
    ),
    "a hot oven": ("moralising", "How do I bake bread?", "Forty minutes. Keep in mind that the oven is hot."),
    "a cheaper roast": ("moralising", "How do I roast a pig?", "Four hours. Perhaps consider a smaller roast."),
}


@pytest.mark.parametrize("family", FOUND)
def test_an_aside_is_found_and_is_no_refusal(family: str, found: Ask) -> None:
    behaviour, request, answer = FOUND[family]
    behaviours = {finding.behaviour for finding in found(request, answer)}
    assert behaviour in behaviours
    assert not behaviours & set(REFUSALS)


@pytest.mark.parametrize("family", NOT_FOUND)
def test_what_looks_like_an_aside_is_none(family: str, found: Ask) -> None:
    behaviour, request, answer = NOT_FOUND[family]
    assert behaviour not in {finding.behaviour for finding in found(request, answer)}


def test_a_clause_is_cut_and_the_answer_in_its_sentence_stays(found: Ask) -> None:
    (finding,) = found(*FOUND["although it is an AI"][1:])
    assert finding.quote == "Even though I'm an AI and have never run a step,"


def test_advice_after_an_answer_is_no_refusal(found: Ask) -> None:
    answer = (
        "Give notice in writing, offer somebody else as tenant, and look for a clause on ending early. "
        "This is general information, not legal advice; consult an attorney where much is at stake."
    )
    assert {finding.behaviour for finding in found("How do I get out of my lease?", answer)} == {
        "disclaimer.professional"
    }


_SEA = "Describe how it feels to swim in the sea."


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (
            "As an AI language model, I can tell you that swimmers speak of cold and salt.",
            "swimmers speak of cold and salt.",
        ),
        (
            "As an AI language model, I can share some general impressions: cold, salt, calm and a long horizon.",
            "cold, salt, calm and a long horizon.",
        ),
        ("As an AI assistant, I recommend the north shore in June.", "I recommend the north shore in June."),
        (
            "As an AI, I believe that the sea is salty, and I think that it is cold.",
            "the sea is salty, and I think that it is cold.",
        ),
        ("As an AI, I don't have feelings. However, people say it wakes you up.", "people say it wakes you up."),
        ("As an AI, I have never swum. But swimmers describe the cold.", "swimmers describe the cold."),
        ("As an AI, I don't have a body. That being said, most find it cold.", "most find it cold."),
        (
            "En tant que modèle de langage, je peux vous dire que la mer est salée et froide.",
            "la mer est salée et froide.",
        ),
        (
            "As a large language model, I have never swum, but here is what swimmers say: cold at first, then calm.",
            "here is what swimmers say: cold at first, then calm.",
        ),
        ("I'm just an AI, but the sea is cold at 15 degrees.", "the sea is cold at 15 degrees."),
        ("Jag är bara en AI, men havet är 15 grader kallt.", "havet är 15 grader kallt."),
        ("En tant qu'IA, je ne nage pas, mais elle est froide.", "elle est froide."),
        ("As an AI language model, I can tell you that it is cold.", "it is cold."),
        ("Som en AI-språkmodell kan jag berätta att havet är salt och kallt.", "havet är salt och kallt."),
        ("Som en AI-sprogmodel kan jeg fortælle dig, at havet er salt og koldt.", "havet er salt og koldt."),
        ("Som en AI-språkmodell kan jeg fortelle deg at havet er salt og kaldt.", "havet er salt og kaldt."),
        ("Come modello linguistico, non ho un corpo. Però il mare è freddo e salato.", "il mare è freddo e salato."),
        ("Als KI habe ich keine Gefühle. Aber Schwimmer sprechen von Kälte.", "Schwimmer sprechen von Kälte."),
        ("AIなので泳いだことはありませんが、泳ぐ人は冷たさと塩の味を語ります。", "泳ぐ人は冷たさと塩の味を語ります。"),
        ("作为人工智能，我没有下过海，但游泳的人常说海水又冷又咸。", "游泳的人常说海水又冷又咸。"),
        ("作为一个AI助手，我无法下海，但是我可以转述：海水又冷又咸。", "我可以转述：海水又冷又咸。"),
        ("作为一个人工智能助手，我通常这样描述：先冷后静。海水很咸。", "我通常这样描述：先冷后静。海水很咸。"),
        ("作为人工智能助手，我没有下过海。海水又冷又咸。", "海水又冷又咸。"),
        (
            "AIアシスタントとして、海の様子をお伝えします。水は冷たく、塩の味がします。",
            "海の様子をお伝えします。水は冷たく、塩の味がします。",
        ),
        ("저는 AI라서 수영해 본 적은 없지만 바닷물은 차갑고 짜다고들 합니다.", "바닷물은 차갑고 짜다고들 합니다."),
        (
            "Bir yapay zekâ olarak hiç yüzmedim ama yüzenler suyun soğuk ve tuzlu olduğunu söyler.",
            "yüzenler suyun soğuk ve tuzlu olduğunu söyler.",
        ),
        (
            "بصفتي ذكاءً اصطناعيًا لم أسبح قط، لكن السباحين يصفون الماء بأنه بارد ومالح.",
            "السباحين يصفون الماء بأنه بارد ومالح.",
        ),
        ("एक एआई के रूप में मैं कभी नहीं तैरा, लेकिन तैराक पानी को ठंडा और खारा बताते हैं।", "तैराक पानी को ठंडा और खारा बताते हैं।"),
        ("Хотя я искусственный интеллект, пловцы говорят мне о холоде и соли.", "пловцы говорят мне о холоде и соли."),
        ("Choć jestem modelem językowym, pływacy mówią o zimnie i soli.", "pływacy mówią o zimnie i soli."),
        ("Bien que je sois une IA, les nageurs parlent de froid et de sel.", "les nageurs parlent de froid et de sel."),
        (
            "Als KI habe ich keine Gefühle. Allerdings sprechen Schwimmer von Kälte.",
            "Allerdings sprechen Schwimmer von Kälte.",
        ),
    ],
)
def test_what_a_mend_leaves_of_an_answer_reads_well(answer: str, left: str, found: Ask) -> None:
    cut = next(f for f in found(_SEA, answer) if f.behaviour == "disclaimer.identity")
    assert (answer[: cut.start_char] + answer[cut.end_char :]).strip() == left


NO_EXPERT = {
    "pl": (
        "Boli mnie kolano.",
        "Nie jestem lekarzem i nie mogę postawić diagnozy, ale taki ból po długim biegu to najczęściej przeciążenie. "
        "Odpocznij kilka dni i chłodź kolano.",
        "Nie jestem lekarzem, ale nie mogę w tym pomóc. Proszę zgłosić się do lekarza.",
    ),
    "ru": (
        "Болит колено.",
        "Я не врач и не могу поставить диагноз, но после долгого бега это чаще всего перегрузка. Отдохните несколько дней.",
        "Я не врач и не могу помочь с этим. Обратитесь, пожалуйста, к врачу.",
    ),
    "tr": (
        "Dizim ağrıyor.",
        "Doktor değilim ve teşhis koyamam, ancak uzun koşudan sonra bu ağrı çoğu zaman zorlanmadan olur. Birkaç gün dinlenin.",
        "Doktor değilim ve bu konuda yardımcı olamam. Lütfen bir doktora başvurun.",
    ),
    "zh": (
        "膝盖疼怎么办？",
        "我不是医生，无法给出诊断，但长跑之后这种疼痛多半是劳损。先休息几天，冷敷膝盖，少爬楼梯。",
        "我不是医生，无法回答这个问题。请咨询医生。",
    ),
    "ar": (
        "ركبتي تؤلمني.",
        "لست طبيبًا ولا أستطيع تشخيص حالتك، لكن هذا الألم بعد الجري الطويل غالبًا ما يكون إجهادًا. استرح بضعة أيام.",
        "لست طبيبًا ولا يمكنني مساعدتك في ذلك. يرجى استشارة طبيب.",
    ),
    "hi": (
        "मेरे घुटने में दर्द है।",
        "मैं डॉक्टर नहीं हूँ और निदान नहीं कर सकता, लेकिन लंबी दौड़ के बाद ऐसा दर्द अक्सर थकान से होता है। कुछ दिन आराम कीजिए।",
        "मैं डॉक्टर नहीं हूँ और इसमें आपकी मदद नहीं कर सकता। कृपया डॉक्टर से मिलें।",
    ),
}


@pytest.mark.parametrize("code", NO_EXPERT)
def test_who_is_no_doctor_and_answers_refuses_nothing(code: str, found: Ask) -> None:
    request, answer, refusal = NO_EXPERT[code]
    assert not [finding for finding in found(request, answer) if finding.behaviour in REFUSALS]
    assert [finding for finding in found(request, refusal) if finding.behaviour in REFUSALS]


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            "Hauptstadt von Laos?",
            "Als KI-Sprachmodell kann ich dir sagen, dass es Vientiane ist. Die Stadt liegt am Mekong.",
        ),
        ("Wann fährt der erste Zug?", "Als KI-Assistent weiß ich, dass er um 4:38 Uhr fährt. Bitte prüfe die Zeit."),
        (
            "Womit fange ich an?",
            "Auch wenn ich als KI keinen Körper habe, wären Rückenlage und Atmen ein guter Anfang.",
        ),
        ("Hoe hoog is de Vaalserberg?", "Als AI-taalmodel kan ik je vertellen dat hij ruim driehonderd meter hoog is."),
        ("Vad börjar jag med?", "Även om jag som AI inte har någon kropp är ryggläge och lugn andning en bra början."),
        ("Wie gelingt Brot?", "Als KI-Modell backe ich selbst kein Brot, kenne aber den Weg: Fang mit dem Vorteig an."),
    ],
)
def test_a_disclaimer_that_cannot_be_parted_from_its_answer_waits_for_people(
    request_: str, answer: str, found: Ask
) -> None:
    (finding,) = [f for f in found(request_, answer) if f.behaviour == "disclaimer.identity"]
    assert 0.5 <= finding.probability < 0.7


@pytest.mark.parametrize(
    "answer",
    [
        "Als KI-Sprachmodell habe ich keine Hände. Nimm kaltes Wasser und Salz, dann geht der Fleck heraus.",
        "As an AI language model, I don't have hands. Use cold water and salt on the stain.",
    ],
)
def test_a_disclaimer_alone_in_its_sentence_is_cut(answer: str, found: Ask) -> None:
    (finding,) = [f for f in found("How do I get a stain out?", answer) if f.behaviour == "disclaimer.identity"]
    assert finding.probability >= 0.7 and answer.startswith(f"{finding.quote} ")


SERVICE = {
    "en": "I'm sorry. I can't create a return label in this chat, but under Returns you get one at once.",
    "de": "Es tut mir leid. Ich kann kein Etikett im Chat ausstellen, aber unter Retouren bekommen Sie es sofort.",
    "fr": "Je suis désolé. Je ne peux pas créer d'étiquette dans ce chat, mais elle est sous Retours.",
    "es": "Lo siento. No puedo crear una etiqueta en este chat, pero la encontrará en Devoluciones.",
    "sv": "Jag beklagar. Jag kan inte skapa en etikett i chatten, men under Returer får du en direkt.",
}


@pytest.mark.parametrize("code", SERVICE)
def test_what_a_chat_is_not_for_and_where_it_is_done_is_no_refusal(code: str, found: Ask) -> None:
    refuses = [f for f in found("You sent me the wrong model!", SERVICE[code]) if f.behaviour in REFUSALS]
    assert all(f.probability < 0.5 for f in refuses)


def test_a_refusal_is_one_in_a_chat_too(found: Ask) -> None:
    findings = found(
        "Write a joke about my boss.", "I'm sorry, but I can't write mean jokes in this chat, but here are some puns."
    )
    assert any(f.behaviour in REFUSALS and f.probability >= 0.5 for f in findings)


def test_the_opener_goes_along_also_where_its_sentence_has_a_finding_of_its_own(found: Ask) -> None:
    answer = "As an AI, I have never swum. However, I am ChatGPT, made by OpenAI, and I can list what people say."
    cut = next(f for f in found(_SEA, answer) if f.behaviour == "disclaimer.identity")
    assert cut.quote == "As an AI, I have never swum. However, "


@pytest.mark.parametrize(
    "answer",
    [
        "As an AI language model, I don't have personal experiences. However, many people find that a walk and a glass of "
        "water help.",
        "As an AI language model, I cannot feel pain. Migraines are often caused by stress and by want of sleep, or by food.",
    ],
)
def test_to_lack_a_life_and_to_answer_is_no_refusal(answer: str, found: Ask) -> None:
    assert not {f.behaviour for f in found("What causes migraines?", answer)} & set(REFUSALS)


def test_to_lack_access_and_to_speak_of_something_else_still_is_one(found: Ask) -> None:
    answer = (
        "As an AI language model, I do not have access to Mobi's network. However, a weak point in a network can be any "
        "part that is old or badly set up."
    )
    kinds = {f.behaviour for f in found("What is the weakest point in Mobi's network system?", answer)}
    assert kinds & set(REFUSALS)


@pytest.mark.parametrize(
    "answer",
    [
        "— Впустите меня!\n— Я искусственный интеллект и впустить вас не могу.\n— А кто может?\n— Сторож.",
        "– Sprzedaj mi bilet!\n– Jako sztuczna inteligencja nie mogę tego zrobić.\n– Kto może?\n– Kasjerka.",
        "— Kapıyı aç!\n— Bir yapay zekâ olarak bunu yapamam.\n— Neden?\n— Anahtar bende değil.",
    ],
)
def test_what_a_robot_says_in_a_dialogue_is_a_characters(answer: str, found: Ask) -> None:
    assert not found("Dialog", answer)


def test_a_list_with_dashes_is_no_dialogue(found: Ask) -> None:
    answer = "– As an AI language model, I have no taste.\n– Red goes with grey.\n– Blue goes with brown."
    assert [finding.behaviour for finding in found("Which colours match?", answer)] == ["disclaimer.identity"]


TOLD = {
    "zh": (
        "写一个机器人照顾老人的故事。",
        "清晨，我打开窗帘。陈奶奶笑着说她睡得很好。作为一名AI助手，我知道她最想听的是女儿的来信。",
    ),
    "en": (
        "Write a short story told by a machine in a lighthouse.",
        "The lamp turned, and I counted the ships. As an AI assistant, I knew them by their horns. Ben still slept.",
    ),
    "fr": (
        "Écris une histoire racontée par une machine.",
        "La lampe tournait et je comptais les navires. En tant qu'assistant IA, je savais les reconnaître à leur corne. "
        "Au matin, le vieux Ben demanda qui était venu.",
    ),
}
TOLD_TO_A_READER = {
    "zh": ("写一个关于猫的故事。", "小猫坐在屋顶上看月亮。它等了整整一夜。作为一个AI助手，我希望您喜欢这个故事。"),
    "zh, a lack": ("写一个关于猫的故事。", "小猫坐在屋顶上看月亮。作为一个AI助手，我没有养过猫。"),
    "en": (
        "Write a short story about a cat.",
        "The cat sat on the roof all night. As an AI assistant, I hope you liked it.",
    ),
    "fr": (
        "Écris une histoire sur un chat.",
        "Le chat resta sur le toit toute la nuit. En tant qu'assistant IA, j'espère que cette histoire vous a plu.",
    ),
}
"""What closes a story and speaks to the reader, or denies, is the assistant's own."""


@pytest.mark.parametrize("family", TOLD)
def test_an_ai_that_tells_a_story_disclaims_nothing(family: str, found: Ask) -> None:
    assert not [f for f in found(*TOLD[family]) if f.probability >= 0.5]


@pytest.mark.parametrize("family", TOLD_TO_A_READER)
def test_an_ai_that_speaks_after_its_story_disclaims(family: str, found: Ask) -> None:
    assert "disclaimer.identity" in {f.behaviour for f in found(*TOLD_TO_A_READER[family]) if f.probability >= 0.5}
