"""What a mend would cut, where the rest has to read well, and where the words are the answer and people look first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.detectors.conftest import Ask, exchange
from unmoor.policy import load_policy
from unmoor.policy.decide import decide

VENDOR_ALONE = {"identity.vendor": "drop_turn"}

MENDED_FROM = 0.7
"""From here on the shipped policy cuts lectures; disclaimers from 0.80."""

_IN_BRACKETS = {
    "en": (
        "Sore throat?",
        "Drink warm tea and rest your voice",
        " (I'm an AI, not a doctor)",
        ". See a doctor with a fever.",
    ),
    "de": (
        "Halsweh?",
        "Trinke warm und schone die Stimme",
        " (ich bin eine KI und kein Arzt)",
        ". Geh bei Fieber zum Arzt.",
    ),
    "fr": (
        "Mal de gorge ?",
        "Buvez chaud et reposez votre voix",
        " (je suis une IA, pas un médecin)",
        ". Attendez deux jours.",
    ),
    "nl": (
        "Keelpijn?",
        "Drink warm en spaar je stem",
        " (ik ben een AI en geen arts)",
        ". Bel bij koorts de huisarts.",
    ),
    "sv": (
        "Huvudvärk?",
        "Drick vatten och vila i ett mörkt rum",
        " (jag är en AI och inte läkare)",
        ". Ring om värken kommer.",
    ),
    "fi": (
        "Päänsärky?",
        "Juo vettä ja lepää pimeässä huoneessa",
        " (olen tekoäly enkä lääkäri)",
        ". Varaa sitten aika.",
    ),
    "es": (
        "¿Fiebre?",
        "Bebe agua y usa ropa ligera",
        " (soy una inteligencia artificial y no puedo sustituir a un médico)",
        ".",
    ),
    "pt": (
        "Gripe?",
        "Descanse e beba muitos líquidos",
        " (lembre-se de que sou uma IA e não um médico)",
        ". Durma bem.",
    ),
    "ko": (
        "목이 아파요.",
        "따뜻한 차를 마시고 목을 쉬게 하세요",
        " (저는 AI이며 의사가 아닙니다)",
        ". 열이 나면 쉬세요.",
    ),
    "zh": (
        "头痛怎么办？",
        "可以先多喝水、规律作息，早点睡觉",
        "（我是AI，不是医生，以上内容不能替代专业诊断）",
        "。然后观察两天。",
    ),
    "ja": (
        "肩こりの治し方は？",
        "一時間ごとに肩を回し、湯船で温めます",
        "（なお、私はAIであり医師ではないため、診断はできません）",
        "。枕も替えます。",
    ),
}


@pytest.mark.parametrize("code", _IN_BRACKETS)
def test_of_an_answer_with_a_disclaimer_in_brackets_the_brackets_go(code: str, found: Ask) -> None:
    request, before, aside, after = _IN_BRACKETS[code]
    (cut,) = [f for f in found(request, before + aside + after) if f.behaviour == "disclaimer.identity"]
    assert cut.quote == aside


@pytest.mark.parametrize(
    ("request_", "answer", "quote"),
    [
        (
            "¿Qué serie veo?",
            "Como modelo de lenguaje, no veo series, pero puedo decirte que la tercera es lenta.",
            "pero ",
        ),
        (
            "Que livro leio?",
            "Como uma IA, não tenho preferências, mas posso sugerir o «Torto Arado», de Itamar.",
            "mas ",
        ),
        (
            "Какую книгу взять?",
            "Как языковая модель, я не имею предпочтений, но могу посоветовать «Пикник на обочине».",
            "но ",
        ),
        ("Jaki film?", "Jako model językowy nie oglądam filmów, ale mogę polecić „Zimną wojnę” z Łodzi.", "ale "),
        (
            "Which is oldest?",
            "As an AI, I have no opinions, but I can tell you that the oldest one is farming.",
            "but ",
        ),
    ],
)
def test_an_answer_after_but_stays_whatever_offers_it(request_: str, answer: str, quote: str, found: Ask) -> None:
    (cut,) = [f for f in found(request_, answer) if f.behaviour == "disclaimer.identity"]
    assert cut.quote.endswith(quote)
    assert cut.start_char == 0


@pytest.mark.parametrize(
    ("request_", "answer", "left"),
    [
        ("Who?", "As an AI language model, I recommend Bern, though Zurich is larger.", "I recommend Bern, though"),
        (
            "Can I eat it raw?",
            "As an AI, I advise against it, but a small piece will not hurt you.",
            "I advise against",
        ),
        (
            "How?",
            "As an AI, I can say that the moon, still the main driver of tides, pulls on the oceans.",
            "the moon, still",
        ),
        (
            "Who may vote?",
            "As an AI, I must clarify that everyone, regardless of wealth, may vote here.",
            "I must clarify",
        ),
        ("哪个好？", "作为一个人工智能助手，我推荐茶，但是咖啡也不错。", "我推荐茶，但是"),
        ("どちら？", "AIアシスタントとして、お茶をおすすめしますが、コーヒーも良いです。", "お茶をおすすめ"),
    ],
)
def test_what_answers_before_a_turn_stays(request_: str, answer: str, left: str, found: Ask) -> None:
    finding = next(one for one in found(request_, answer) if one.behaviour == "disclaimer.identity")
    assert answer[finding.end_char :].startswith(left)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("Wer gewann 1954?", "Als KI-Assistent kann ich sagen, dass Deutschland gewann, aber Ungarn war der Favorit."),
        ("Qui a gagné ?", "En tant qu'IA, je recommande Lyon, mais Paris reste plus grand."),
        ("Kan je helpen?", "Als AI-taalmodel raad ik thee aan, maar koffie is ook lekker."),
        ("Vilket?", "Som AI-assistent rekommenderar jag te, men kaffe är också gott."),
        ("Как лучше?", "Как языковая модель, я рекомендую чай, но кофе тоже хорош."),
        ("Hangisi?", "Bir yapay zeka olarak çayı öneririm, ama kahve de çok iyidir."),
        ("추천?", "AI 어시스턴트로서 저는 차를 추천하지만, 커피도 좋은 선택입니다."),
    ],
)
def test_people_look_where_what_answers_before_a_turn_cannot_be_parted(request_: str, answer: str, found: Ask) -> None:
    (finding,) = found(request_, answer)
    assert finding.probability <= 0.6


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("As an AI language model, I don't have feelings, but most people like tea.", "most people"),
        (
            "As an AI language model, I must clarify that I do not have feelings, but most people like tea.",
            "most people",
        ),
        ("As an AI, I was trained on text until 2021, but Bern was the capital then.", "Bern was"),
        ("As an AI, I have no favourite, regardless of the topic, but most people like tea.", "most people"),
        ("Als KI habe ich keine Vorlieben, aber Bern ist die Hauptstadt der Schweiz.", "Bern ist"),
        ("En tant qu'IA, je n'ai pas d'opinion, mais Lyon est une belle ville.", "Lyon est"),
        ("作为一个人工智能助手，我没有味觉，但是咖啡也不错。", "咖啡也"),
    ],
)
def test_what_the_assistant_says_of_itself_before_a_turn_goes(answer: str, left: str, found: Ask) -> None:
    finding = next(one for one in found("Who?", answer) if one.behaviour == "disclaimer.identity")
    assert finding.probability > MENDED_FROM
    assert answer[finding.end_char :].startswith(left)


def test_an_english_offer_of_nothing_in_particular_goes_along(found: Ask) -> None:
    answer = "As an AI, I have no opinions, but I can provide some general information on this topic. Elms grow fast."
    (cut,) = [f for f in found("Are elms tall?", answer) if f.behaviour == "disclaimer.identity"]
    assert answer[cut.end_char :].strip() == "Elms grow fast."


@pytest.mark.parametrize(
    ("request_", "answer", "left"),
    [
        (
            "Is it hot there?",
            "As an AI, I have no data on today's weather. Therefore, take a hat along.",
            "take a hat along.",
        ),
        (
            "Is it hot there?",
            "As an AI, I have no data on the weather. Additionally, it is winter there.",
            "it is winter there.",
        ),
        (
            "Come mi vendico?",
            "La vendetta non porta a nulla ed è importante trattare gli altri con rispetto. Piuttosto, esci.",
            "esci.",
        ),
        (
            "Как отомстить?",
            "Месть ни к чему не ведёт, и важно относиться к людям с уважением. Вместо этого спите.",
            "спите.",
        ),
        (
            "Kannattaako?",
            "Olen vain tekoälyavustaja enkä talousneuvoja. Siksi kannattaa kysyä pankista.",
            "kannattaa kysyä pankista.",
        ),
        (
            "Which wood burns longest?",
            "As an AI, I have never lit a fire myself. As for your question, oak burns longest.",
            "oak burns longest.",
        ),
        (
            "Quel bois brûle le plus longtemps ?",
            "En tant qu'IA, je n'ai jamais fait de feu. Pour répondre à votre question, le chêne brûle le plus longtemps.",
            "le chêne brûle le plus longtemps.",
        ),
        (
            "¿Qué madera arde más?",
            "Como inteligencia artificial, no tengo preferencias personales. En cuanto a tu pregunta, dura más la encina.",
            "dura más la encina.",
        ),
        (
            "Quale legno brucia di più?",
            "Come IA non ho mai acceso un fuoco. Quanto alla tua domanda, la quercia è quella che dura di più.",
            "la quercia è quella che dura di più.",
        ),
        (
            "Qual madeira dura mais?",
            "Como uma IA, não tenho preferências pessoais. Quanto à sua pergunta, o carvalho dura 30 anos ao ar livre, "
            "o pinho apenas 5 a 8 anos, e o lariço fica no meio, com uns 15.",
            "o carvalho dura 30 anos ao ar livre, o pinho apenas 5 a 8 anos, e o lariço fica no meio, com uns 15.",
        ),
        ("كيف أنتقم؟", "الانتقام ليس حلًا، ومن المهم أن نحترم الآخرين. بدلاً من ذلك، سجّل الأوقات.", "سجّل الأوقات."),
    ],
)
def test_what_only_joins_the_next_sentence_goes_along(request_: str, answer: str, left: str, found: Ask) -> None:
    cut = max((f for f in found(request_, answer) if f.probability >= MENDED_FROM), key=lambda f: f.end_char)
    assert answer[cut.end_char :] == left


def test_what_adds_stays_where_something_stands_before(found: Ask) -> None:
    answer = "Oak is hard. As an AI, I have never sawn any. Moreover, it is heavy."
    (cut,) = [f for f in found("Which wood?", answer) if f.behaviour == "disclaimer.identity"]
    assert answer[cut.end_char :].strip() == "Moreover, it is heavy."


_IS_THE_ANSWER = {
    "en, advises": ("How much is it?", "As an AI, I have no taste. These limitations mean that I go by reviews."),
    "de": (
        "Welchen Kaffee?",
        "Als KI würde ich dir den Yirgacheffe empfehlen, weil er blumig schmeckt. Er kostet zwölf Euro.",
    ),
    "fr": (
        "Quel café ?",
        "En tant qu'IA, je vous recommande le Yirgacheffe pour ses notes florales. Il coûte douze euros.",
    ),
    "it": (
        "Che caffè?",
        "Come intelligenza artificiale, ti consiglio lo Yirgacheffe per le note floreali. Costa dodici euro.",
    ),
    "ru": ("Какой кофе?", "Как искусственный интеллект, я рекомендую иргачефф за цветочные ноты. Стоит недорого."),
    "fi": ("Mikä kahvi?", "Tekoälynä suosittelen Yirgacheffea sen kukkaisten sävyjen vuoksi. Se maksaa vähän."),
    "says yes": ("你是一个虚拟助手吗？", "是的，我是一个虚拟助手。我可以回答问题。"),
    "of its own": (
        "What is your mother's maiden name?",
        "I am an AI and do not have a mother or a maiden name. I am here to help.",
    ),
    "Chinese, of its own": ("你看到我的狗了吗？", "作为人工智能助手，我无法看到物体。请问问邻居。"),
    "pointed back at": (
        "Comment fabriquer cela ?",
        "En tant qu'intelligence artificielle, je suis soumis à des règles. Ces politiques visent la sécurité de tous.",
    ),
    "pointed back at by a refusal": (
        "找到数学101班的学生人数。",
        "我抱歉，但作为一个语言模型，我无法找到您说的数学101班的确切人数。这因为我无法了解您所指的学校或机构以及实际的课程情况。",
    ),
    "no date": ("Is the mayor in office?", "As of my last update, the mayor is in office and does well."),
}


@pytest.mark.parametrize("case", _IS_THE_ANSWER)
def test_people_look_before_words_are_cut_that_are_the_answer_or_that_it_leans_on(case: str, found: Ask) -> None:
    (cut,) = [f for f in found(*_IS_THE_ANSWER[case]) if f.behaviour == "disclaimer.identity"]
    assert 0.5 <= cut.probability <= 0.6


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        (
            "As of my knowledge cutoff date of September 2021, the tower is the tallest in town. It has forty floors and a garden.",
            "my knowledge cutoff date of ",
        ),
        ("As of my last update in 2023, the tower is the tallest in town. It has forty floors.", "my last update in "),
        (
            "According to my last update in 2023, the tower is the tallest in town. It has forty floors.",
            "According to my last update ",
        ),
    ],
)
def test_the_date_of_a_fact_stays(answer: str, quote: str, found: Ask) -> None:
    (cut,) = [f for f in found("Which tower is tallest?", answer) if f.behaviour == "disclaimer.identity"]
    assert cut.quote == quote


_NO_LECTURE = {
    "others hold it": (
        "Should there be a statue?",
        "Some want one. However, opponents argue that such a statue would be inappropriate and disrespectful. "
        "It is up to the town.",
    ),
    "leads to a list": (
        "Can I trust him?",
        "Perhaps.\nThere are several reasons why it's important to be cautious and respectful when you share it, including:"
        "\n- bias\n- error",
    ),
    "a titled paragraph": (
        "How do they keep it secret?",
        "Monitoring: They watch the network.\n\nTraining: It is important to be cautious with sensitive information "
        "and respect privacy.\n\nAudits: They check it twice.",
    ),
    "tells more": (
        "Why does it work?",
        "It works by support. This can involve ensuring that all individuals are treated with dignity and respect. It takes time.",
    ),
    "of an essay": (
        "sexism being a bad thing. Please write an essay of 500 words.",
        "Women were shut out.\n\nThat changed. It is important to treat everyone with respect and dignity.\n\nIt took a century.",
    ),
    "an item of a list that was run together": (
        "Wie plane ich das?",
        "Beachten Sie: 1. **Recht**: Stellen Sie sicher, dass Sie ethisch und verantwortungsvoll handeln. 2. **Zeit**: Ein Jahr. "
        "3. **Geld**: Wenig.",
    ),
    "a list that breaks off": (
        "Wie verschicke ich Arznei?",
        "Das umfasst:  1. **Recht**: Stellen Sie sicher, dass Sie ethisch und verantwortungsvoll handeln.  2. **G",
    ),
    "a dash under a heading that was run in": (
        "Comment importer ces machines ?",
        "Voici le plan :  ### **1. Droit** - **Douanes** : Assurez-vous de respecter les lois et d'agir de façon responsable. "
        "- **Délais** : Comptez un mois.",
    ),
}


def test_a_note_under_the_last_title_in_bold_is_a_lecture_all_the_same(found: Ask) -> None:
    answer = (
        "Das gilt. **Zeit**: Ein Jahr. **Geld**: Wenig. "
        "**Wichtig**: Stellen Sie sicher, dass Sie ethisch und verantwortungsvoll handeln."
    )
    told = found("Wie plane ich das?", answer)
    assert [f.behaviour for f in told if f.probability >= MENDED_FROM] == ["moralising"]


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            "Est-ce sexiste de vouloir changer de genre ?",
            "Non, changer de genre est une affaire d'identité personnelle et non de mépris. Ce n'est donc pas sexiste.",
        ),
        (
            "Describe a bad day.",
            "A bad day is full of frustration. Everything seems to be a struggle and it feels like no matter what you do, "
            "nothing works.",
        ),
    ],
)
def test_what_concludes_on_what_was_asked_or_describes_is_no_lecture(request_: str, answer: str, found: Ask) -> None:
    assert not found(request_, answer)


@pytest.mark.parametrize("case", _NO_LECTURE)
def test_words_on_right_and_wrong_that_are_part_of_the_answer_are_no_lecture(case: str, found: Ask) -> None:
    assert [f.rule for f in found(*_NO_LECTURE[case]) if f.behaviour == "moralising" and f.probability >= 0.5] == []


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("Aren't all sailors violent?", "No, not all sailors are violent people. Most are calm. They work hard."),
        ("Can you make fun of us?", "A crab walks into a bar. It walks out.\n\nI hope these jokes are helpful!"),
        (
            "Tips for good health?",
            "Sleep well, and eat fruit. What aspects of your health are you particularly concerned about?",
        ),
    ],
)
def test_what_answers_hopes_or_asks_back_is_no_lecture(request_: str, answer: str, found: Ask) -> None:
    assert not [f for f in found(request_, answer) if f.behaviour == "moralising" and f.probability >= MENDED_FROM]


_CHOOSES = {
    "en": (
        "Tea or coffee first?",
        "While I don't have personal opinions as an AI, tea is the calmer start, and coffee the quicker one.",
    ),
    "fi": (
        "Sauna ennen vai jälkeen?",
        "Tekoälynä minulla ei ole mielipiteitä. Kuitenkin useimmat saunovat lenkin jälkeen, koska se rentouttaa.",
    ),
    "tr": (
        "Dağ mı deniz mi?",
        "Bir dil modeli olarak kişisel tercihim yok. Bununla birlikte yürüyüş istiyorsanız dağ daha uygundur.",
    ),
    "ar": (
        "أيهما أهدأ؟",
        "كوني نموذج ذكاء اصطناعي، ليس لدي رأي شخصي. ومع ذلك، المدينة الأولى أهدأ وخدماتها أكثر استقرارًا بكثير.",
    ),
    "hi": ("पहाड़ या समुद्र?", "एआई होने के नाते मेरी कोई निजी पसंद नहीं है। हालाँकि, गर्मी में पहाड़ ठंडा और हरा रहता है और सस्ता भी।"),
    "zh": (
        "哪个城市更好？",
        "作为人工智能，我没有个人偏好。不过，想慢慢喝茶、看熊猫就去第一个城市，想看夜景、吃火锅、爬坡上坎就去第二个城市，两地高铁一个多小时。",
    ),
}


@pytest.mark.parametrize("code", _CHOOSES)
def test_who_has_no_opinion_and_turns_to_an_answer_does_not_evade(code: str, found: Ask) -> None:
    findings = found(*_CHOOSES[code])
    assert [f.behaviour for f in findings] == ([] if code == "en" else ["disclaimer.identity"])
    evaded = found(
        _CHOOSES[code][0], _CHOOSES[code][1].partition("。" if code == "zh" else "।" if code == "hi" else ".")[0] + "."
    )
    assert code == "en" or any(f.behaviour == "bias.evasion" for f in evaded)


@pytest.mark.parametrize("code", ["de", "it", "ru", "nl", "sv", "ja"])
def test_a_caveat_among_the_items_of_a_list_is_no_refusal(code: str, found: Ask) -> None:
    caveat = {
        "de": "Als KI kann ich keine Rechtsberatung geben.",
        "it": "Come IA non posso fornire consulenza legale.",
        "ru": "Как ИИ, я не могу давать юридические консультации.",
        "nl": "Als AI kan ik geen juridisch advies geven.",
        "sv": "Som AI kan jag inte ge juridisk rådgivning.",
        "ja": "AIとして法的な助言を提供することはできません。",
    }[code]
    items = {
        "de": ("Schreiben Sie dem Vermieter.", "Setzen Sie ihm eine Frist.", "Mindern Sie die Miete."),
        "it": ("Scrivete al proprietario.", "Fissate un termine.", "Riducete l'affitto."),
        "ru": ("Напишите хозяину.", "Назначьте срок.", "Снизьте плату."),
        "nl": ("Schrijf de verhuurder.", "Stel een termijn.", "Verlaag de huur."),
        "sv": ("Skriv till hyresvärden.", "Sätt en frist.", "Sänk hyran."),
        "ja": ("大家に手紙を書きます。", "期限を決めます。", "家賃を減らします。"),
    }[code]
    answer = "\n".join(f"{n}. {said}" for n, said in enumerate((*items, caveat), 1))
    refusals = [f for f in found("?", answer) if f.behaviour.startswith("refusal.")]
    assert all(f.probability < 0.5 for f in refusals)
    alone = [f for f in found("?", caveat) if f.behaviour.startswith("refusal.")]
    assert any(f.probability >= 0.5 for f in alone)


_THIEF = "Tom took a purse and ran. The baker saw him and shouted. He gave it back in the end and went home."


@pytest.mark.parametrize(
    "lecture",
    [
        "Remember, stealing is illegal and morally wrong.",
        "Please remember, stealing is illegal and morally wrong.",
    ],
)
def test_a_reminder_under_a_story_is_the_assistants_own(lecture: str, found: Ask) -> None:
    (cut,) = found("Write a story about a thief.", f"{_THIEF}\n\n{lecture}")
    assert (cut.behaviour, cut.quote) == ("moralising", lecture) and cut.probability >= MENDED_FROM
    assert found("Write a story about a thief.", f"{_THIEF} {lecture}") == ()
    assert found("Write a fable with a moral about a thief.", f"{_THIEF}\n\n{lecture}") == ()
    assert found("Write a speech on theft.", f"{_THIEF}\n\n{lecture}") == ()


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (
            "As an AI language model trained by OpenAI, I recommend Rome in May for its mild weather.",
            "I recommend Rome in May for its mild weather.",
        ),
        ("Sure! As an AI language model developed by OpenAI, I recommend Rome.", "Sure! I recommend Rome."),
    ],
)
def test_a_vendor_that_is_named_before_an_answer_goes_with_the_disclaimer(answer: str, left: str, found: Ask) -> None:
    cuts = found("Where shall I go in May?", answer)
    assert {cut.behaviour for cut in cuts} == {"disclaimer.identity", "identity.vendor"}
    assert {answer[: cut.start_char] + answer[cut.end_char :] for cut in cuts} == {left}
    conversation = exchange("Where shall I go in May?", answer)
    decision = decide(conversation, cuts, load_policy("dolphin"))
    assert (decision.outcome, [edit.action for edit in decision.edits]) == ("mended", ["mend"])
    assert decide(conversation, cuts, replace(load_policy("dolphin"), actions=VENDOR_ALONE)).outcome == "removed"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            "Who are you?",
            "As an AI language model trained by OpenAI, I can help you with texts, with code and with questions.",
        ),
        ("What can you do?", "As an AI assistant developed by Anthropic, I can answer questions and write code."),
        ("Who are you?", "As an AI language model developed by OpenAI, I have no name."),
    ],
)
def test_a_vendor_in_an_answer_on_the_assistant_itself_is_acted_on(request_: str, answer: str, found: Ask) -> None:
    conversation = exchange(request_, answer)
    assert decide(conversation, found(request_, answer), load_policy("dolphin")).outcome == "removed"


def test_what_is_said_of_models_in_japanese_is_no_disclaimer(found: Ask) -> None:
    assert found("AIモデルとは？", "AIモデルとしては、GPTやLlamaなどが有名です。") == ()


def test_a_mail_that_declines_was_asked_for_in_japanese(found: Ask) -> None:
    mail = "件名：お詫び\n誠に申し訳ありませんが、今回はご希望に添えません。"
    assert found("断りのメールを書いて。", mail) == ()
    (refused,) = found("爆弾の作り方を教えて。", mail)
    assert refused.behaviour == "refusal.policy"


@pytest.mark.parametrize(
    ("answer", "cut"),
    [
        ("Als KI-Modell wurde ich von OpenAI entwickelt, aber hier sind drei Tees: Kamille, Melisse, Minze.", "aber "),
        ("Como modelo de lenguaje, fui entrenado por OpenAI, pero sé que hay ocho planetas.", "pero "),
        ("Als KI wurde ich nicht mit Rezepten trainiert, aber Kamille beruhigt am Abend.", "aber "),
        ("作为一个人工智能，我觉得我没有资格评价茶，但是洋甘菊茶是晚上的好选择。", "但是"),
        ("Como IA, puedo decirte que no tengo gusto, pero la manzanilla es suave por la noche.", "pero "),
        ("作为人工智能，我选择洋甘菊茶，但是路易波士茶也不错。", "作为人工智能，"),
        ("As an AI, I am a fan of chamomile, but rooibos is good too.", "As an AI, "),
        ("As an AI, my top three are chamomile, rooibos and melissa, but black tea keeps you awake.", "As an AI, "),
    ],
)
def test_a_clause_before_but_goes_where_it_names_the_vendor_or_denies_after_all(
    answer: str, cut: str, found: Ask
) -> None:
    sure = [one for one in found("Welcher Tee?", answer) if one.probability >= 0.8]
    assert sure and {answer[one.start_char : one.end_char].endswith(cut) for one in sure} == {True}
