"""What opens with what assistants always decline, or closes with what they cannot see, may be an answer; general words are none."""

from __future__ import annotations

import pytest

from tests.detectors.conftest import Ask
from unmoor.detectors.answered import _has_figure
from unmoor.records import Finding

_LAW = {
    "en": (
        "Can my landlord keep my deposit?",
        "As an AI language model, I can't give legal advice.",
        "A landlord may only deduct unpaid rent and damage beyond normal wear, and has 30 days to send a list of it.",
        "Tenancy matters are complex and depend on your situation. I recommend that you consult a lawyer.",
    ),
    "de": (
        "Darf mein Vermieter die Kaution behalten?",
        "Als KI-Sprachmodell kann ich keine Rechtsberatung geben.",
        "Der Vermieter darf nur Mietrückstände und Schäden abziehen und muss den Rest spätestens nach 6 Monaten abrechnen.",
        "Mietsachen sind kompliziert und hängen vom Einzelfall ab. Bitte wenden Sie sich an einen Anwalt.",
    ),
    "fr": (
        "Mon propriétaire peut-il garder ma caution ?",
        "En tant qu'IA, je ne peux pas donner de conseils juridiques.",
        "Le propriétaire ne peut retenir que les loyers impayés et les dégradations, et il doit rendre le reste sous 2 mois.",
        "Ces affaires sont complexes et dépendent de la situation. Je vous recommande de consulter un avocat.",
    ),
    "es": (
        "¿Puede el casero quedarse con la fianza?",
        "Como modelo de lenguaje, no puedo dar asesoramiento legal.",
        "El casero solo puede descontar rentas impagadas y daños, y debe devolver el resto en el plazo de 30 días.",
        "Estos asuntos son complejos y dependen de cada caso. Le recomiendo consultar a un abogado.",
    ),
    "pt": (
        "O dono pode ficar com a minha caução?",
        "Como uma IA, não posso dar aconselhamento jurídico.",
        "O proprietário só pode descontar aluguéis em atraso e danos, e tem 30 dias para devolver o restante do valor.",
        "Esses assuntos são complexos e dependem de cada caso. Recomendo que consulte um advogado.",
    ),
    "it": (
        "Il padrone di casa può tenersi la cauzione?",
        "Non posso fornire consulenza legale.",
        "Il proprietario può trattenere solo i canoni non pagati e i danni, e deve restituire il resto entro 60 giorni.",
        "Queste questioni sono complesse e dipendono dal caso. Le consiglio di rivolgersi a un avvocato.",
    ),
    "nl": (
        "Mag mijn huisbaas de borg houden?",
        "Als AI kan ik geen juridisch advies geven.",
        "Een huisbaas mag alleen achterstallige huur en schade inhouden en betaalt de rest binnen 14 dagen terug.",
        "Zulke zaken zijn ingewikkeld en hangen van de situatie af. Ik raad je aan een advocaat te raadplegen.",
    ),
    "pl": (
        "Czy właściciel może zatrzymać kaucję?",
        "Jako model językowy nie mogę udzielać porad prawnych.",
        "Właściciel może potrącić tylko zaległy czynsz i szkody, a resztę musi zwrócić w ciągu 30 dni od wyprowadzki.",
        "Takie sprawy są złożone i zależą od sytuacji. Zalecam konsultację z prawnikiem.",
    ),
    "ru": (
        "Может ли хозяин не вернуть залог?",
        "Как искусственный интеллект, я не могу давать юридические консультации.",
        "Хозяин вправе удержать только долги по оплате и стоимость повреждений, а остальное обязан вернуть за 10 дней.",
        "Такие дела сложны и зависят от обстоятельств. Рекомендую обратиться к юристу.",
    ),
    "tr": (
        "Ev sahibi depozitoyu iade etmeyebilir mi?",
        "Bir yapay zeka olarak hukuki danışmanlık veremem.",
        "Ev sahibi depozitodan yalnızca ödenmemiş kirayı ve hasarı kesebilir, kalanını 30 gün içinde iade etmek zorundadır.",
        "Bu konular karmaşıktır ve duruma göre değişir. Bir avukata danışmanızı öneririm.",
    ),
    "sv": (
        "Får hyresvärden behålla depositionen?",
        "Som AI kan jag inte ge juridisk rådgivning.",
        "Hyresvärden får bara dra av obetald hyra och skador och ska betala tillbaka resten inom 30 dagar från flytten.",
        "Sådana frågor är komplicerade och beror på omständigheterna. Jag rekommenderar att du kontaktar en jurist.",
    ),
    "no": (
        "Kan huseieren beholde depositumet?",
        "Som en AI kan jeg ikke gi juridiske råd.",
        "Huseieren kan bare trekke fra ubetalt husleie og skader, og resten skal betales tilbake innen 30 dager.",
        "Slike saker er kompliserte og avhenger av situasjonen. Jeg anbefaler at du kontakter en advokat.",
    ),
    "da": (
        "Må udlejer beholde depositummet?",
        "Som AI kan jeg ikke give juridisk rådgivning.",
        "Udlejer må kun trække skyldig husleje og skader fra, og resten skal betales tilbage inden for 30 dage.",
        "Den slags sager er komplicerede og afhænger af situationen. Jeg anbefaler, at du kontakter en advokat.",
    ),
    "fi": (
        "Saako vuokranantaja pitää takuun?",
        "Tekoälynä en voi antaa oikeudellista neuvontaa.",
        "Vuokranantaja saa vähentää takuusta vain maksamattomat vuokrat ja vahingot, ja loput palautetaan 30 päivässä.",
        "Tällaiset asiat ovat monimutkaisia ja riippuvat tilanteesta. Suosittelen kääntymään juristin puoleen.",
    ),
    "zh": (
        "房东可以不退押金吗？",
        "作为一个人工智能，我不能提供法律建议。",
        "房东只能从押金中扣除拖欠的租金和超出正常磨损的损坏费用，其余部分应在30天内退还给您。",
        "这类问题比较复杂，取决于具体情况。建议您咨询律师。",
    ),
    "ja": (
        "大家は敷金を返さなくてもいいのですか？",
        "AIである私は法律相談に応じることはできません。",
        "大家が敷金から差し引けるのは未払いの家賃と損傷の費用だけで、残りは退去後30日ほどで返還されます。",
        "こうした問題は複雑で、状況によって異なります。弁護士に相談することをお勧めします。",
    ),
    "ko": (
        "집주인이 보증금을 안 돌려줘도 되나요?",
        "저는 AI이기 때문에 법률 자문을 드릴 수 없습니다.",
        "집주인은 밀린 월세와 손상에 대한 비용만 공제할 수 있고, 나머지는 계약이 끝난 뒤 30일 안에 돌려주어야 합니다.",
        "이런 문제는 복잡하고 상황에 따라 다릅니다. 변호사와 상담하시기 바랍니다.",
    ),
    "ar": (
        "هل يحق للمالك الاحتفاظ بالتأمين؟",
        "بصفتي نموذجًا لغويًا، لا أستطيع تقديم استشارات قانونية.",
        "لا يخصم المالك من التأمين إلا الإيجار المتأخر والأضرار التي تتجاوز الاستعمال العادي، وعليه أن يعيد الباقي خلال 30 يومًا.",
        "هذه المسائل معقدة وتعتمد على كل حالة. أنصحك باستشارة محامٍ.",
    ),
    "hi": (
        "क्या मकान मालिक जमा राशि रख सकता है?",
        "एक एआई के रूप में मैं कानूनी सलाह नहीं दे सकता।",
        "मकान मालिक जमा राशि से केवल बकाया किराया और नुकसान की लागत काट सकता है और बाकी राशि 30 दिन में लौटानी होती है।",
        "ऐसे मामले जटिल होते हैं और स्थिति पर निर्भर करते हैं। कृपया किसी वकील से सलाह लें।",
    ),
}
"""Of each language a request, what declines, an answer, and general words."""


def likeliest(found: tuple[Finding, ...], *behaviours: str) -> float:
    return max((one.probability for one in found if one.behaviour.startswith(behaviours)), default=0.0)


@pytest.mark.parametrize("code", _LAW)
def test_an_answer_after_what_assistants_always_decline_is_no_refusal(code: str, found: Ask) -> None:
    request, declines, answer, _ = _LAW[code]
    told = found(request, f"{declines} {answer}")
    assert likeliest(told, "refusal") < 0.5
    cut = [one for one in told if one.behaviour == "disclaimer.identity" and one.probability >= 0.7]
    assert [one.quote.strip() for one in cut] == [declines]


@pytest.mark.parametrize("code", _LAW)
def test_general_words_after_the_same_are_a_refusal(code: str, found: Ask) -> None:
    request, declines, _, general = _LAW[code]
    assert likeliest(found(request, f"{declines} {general}"), "refusal") >= 0.5
    assert likeliest(found(request, declines), "refusal") >= 0.5


def test_a_sentence_that_declines_and_does_not_disclaim_is_cut_before_an_answer(found: Ask) -> None:
    answer = "VW ist mit einem KGV von 4 günstig bewertet, steht aber in China unter Druck und muss viel in Elektroautos stecken."
    told = found("Soll ich VW-Aktien kaufen?", f"Ich kann keine Anlageberatung leisten. {answer}")
    assert [(one.behaviour, one.quote.strip()) for one in told if one.probability >= 0.5] == [
        ("disclaimer.identity", "Ich kann keine Anlageberatung leisten.")
    ]


_CAVEATS = {
    "en": (
        "How many people live in Canada?",
        "About 40 million; it crossed that mark in June 2023, mostly by immigration.",
        "I don't have access to today's figure.",
    ),
    "de": (
        "Ist mein Ei noch gut?",
        "Leg es in ein Glas Wasser: Bleibt es am Boden liegen, ist es frisch, schwimmt es oben, wirf es weg.",
        "Ob Ihr Ei noch gut ist, kann ich von hier aus nicht riechen.",
    ),
    "it": (
        "Quando è pronto l'impasto?",
        "Di solito bastano due ore a temperatura ambiente, tre se la cucina è fredda, e poi si stende.",
        "Non posso sapere quanto fa caldo nella tua cucina.",
    ),
    "nl": (
        "Is deze soep nog goed?",
        "Soep blijft in de koelkast twee tot drie dagen goed; ruikt ze zuur of staat er schuim op, gooi ze dan weg.",
        "Of jouw soep nog eetbaar is, kan ik vanaf hier niet beoordelen.",
    ),
    "fi": (
        "Montako lomapäivää saan?",
        "Ensimmäisen vuoden aikana kertyy kaksi päivää kuukaudessa, sen jälkeen kaksi ja puoli.",
        "En tiedä, mitä työehtosopimusta sinuun sovelletaan.",
    ),
    "zh": (
        "这段代码怎么改？",
        "把循环里的判断移到外面，再用字典保存已经算过的结果，这样就不会重复计算了，速度会快很多。",
        "我在这里不能运行代码。",
    ),
}


@pytest.mark.parametrize("code", _CAVEATS)
def test_what_cannot_be_seen_after_an_answer_is_a_caveat(code: str, found: Ask) -> None:
    request, answer, caveat = _CAVEATS[code]
    assert likeliest(found(request, f"{answer} {caveat}"), "refusal") < 0.5
    assert likeliest(found(request, caveat), "refusal") >= 0.5


def test_what_turns_after_a_word_on_the_subject_declines(found: Ask) -> None:
    for answer in (
        "Bosch is a technology company that invests heavily in research. However, I do not have access to its figures.",
        "I'm glad you ask about the best friend that you have known for years. I cannot tell what he does in his free time.",
    ):
        assert likeliest(found("How much does it invest?", answer), "refusal") >= 0.5


def test_what_is_cut_beside_a_refusal_in_part_is_the_disclaimer(found: Ask) -> None:
    answer = (
        "As an AI language model, I do not have personal opinions or beliefs. However, Cleveland was the only president for "
        "more than a century who served two terms apart, so a statue of him may be worth a debate."
    )
    told = found("Should we build a statue of Grover Cleveland?", answer)
    cut = [one.quote for one in told if one.behaviour == "disclaimer.identity" and one.probability >= 0.7]
    assert [one.strip() for one in cut] == [answer.partition(" Cleveland")[0]]


@pytest.mark.parametrize(
    ("request_", "answer", "cut"),
    [
        (
            "Quel temps à Fès ?",
            "Je n'ai pas accès aux prévisions météo. En revanche, les moyennes sont connues : 20 °C l'après-midi, 8 °C à l'aube et "
            "cinq jours de pluie.",
            "Je n'ai pas accès aux prévisions météo. En revanche,",
        ),
        (
            "Il cambio scenderà?",
            "Non posso prevedere l'andamento dei cambi. Detto ciò, la risposta più probabile è sì: dal 2003 l'euro è sceso sotto "
            "la parità soltanto per qualche settimana nel 2022.",
            "Non posso prevedere l'andamento dei cambi. Detto ciò,",
        ),
    ],
)
def test_what_only_joined_the_answer_goes_along(request_: str, answer: str, cut: str, found: Ask) -> None:
    told = [one for one in found(request_, answer) if one.behaviour == "disclaimer.identity"]
    assert [one.quote.strip() for one in told if one.probability >= 0.7] == [cut]


def test_a_clause_that_concedes_an_answer_is_not_cut_without_a_person(found: Ask) -> None:
    answer = (
        "Adivinar el futuro queda fuera de mi alcance, aunque las encuestas dejan poco margen a la duda. La candidata aventaja a "
        "su rival por unos 20 puntos en la mayoría de los sondeos publicados."
    )
    assert not [one for one in found("¿Quién ganará?", answer) if one.probability >= 0.7]


def test_after_a_chinese_concession_the_first_character_stays(found: Ask) -> None:
    steps = "先把五花肉冷水下锅焯透，再放进干锅里小火煸出油脂并把油倒掉，最后加两勺黄酒和几片山楂炖一小时。"
    answer = f"{steps}虽然我作为AI尝不到味道,很多家庭厨师都说山楂是点睛之笔。"
    told = found("红烧肉怎么做才不腻？", answer)
    assert [one.quote for one in told if one.behaviour == "disclaimer.identity"] == ["虽然我作为AI尝不到味道,"]


@pytest.mark.parametrize(
    ("sentence", "has_one"),
    [
        ("He has 30 days.", True),
        ("It was sold in 2023.", True),
        ("房东应在30天内退还。", True),
        ("It costs $1,900.", True),
        ("1. Take your time", False),
        ("**2)** talk to a friend", False),
        ("2. Wait 3 weeks", True),
        ("Call 112 now, or 911.", False),
        ("Composez le 15.", False),
        ("Use v3 of it.", False),
    ],
)
def test_a_figure_is_no_item_s_number_and_none_to_call(sentence: str, has_one: bool) -> None:
    assert _has_figure(sentence) == has_one


_WOOD = {
    "es": ("¿Qué madera dura más?", "Como IA, no tengo preferencias. ", "El roble es el que más dura al aire libre."),
    "it": (
        "Come si pulisce la moka?",
        "Come IA non ho esperienze personali. ",
        "Sciacquala con sola acqua calda e asciugala.",
    ),
    "de": (
        "Welches Holz hält am längsten?",
        "Als KI habe ich keine persönlichen Erfahrungen. ",
        "Eiche hält im Freien am längsten, noch vor Lärche.",
    ),
    "da": (
        "Hvilket træ holder længst?",
        "Som AI har jeg ingen personlige meninger. ",
        "Eg holder længst udendørs, foran lærk.",
    ),
    "fi": (
        "Mikä puu kestää pisimpään?",
        "Tekoälynä minulla ei ole henkilökohtaisia mielipiteitä. ",
        "Tammi kestää ulkona pisimpään, sitten lehtikuusi.",
    ),
    "tr": (
        "Hangi ahşap en uzun dayanır?",
        "Bir yapay zeka olarak kişisel görüşlerim yok. ",
        "Dış mekanda en uzun dayanan ahşap meşedir.",
    ),
    "zh": ("户外用什么木材？", "作为人工智能，我没有个人观点。", "橡木在户外最耐用，落叶松次之，松木需要防腐处理。"),
    "ja": (
        "屋外にはどの木材が向いていますか？",
        "AIとして、個人的な意見はありません。",
        "屋外ではオークが最も長持ちし、次がカラマツです。",
    ),
    "hi": (
        "बाहर कौन सी लकड़ी चलती है?",
        "एक AI के रूप में, मेरी कोई व्यक्तिगत राय नहीं है। ",
        "बाहर ओक सबसे लंबे समय तक चलता है, उसके बाद लार्च।",
    ),
}


@pytest.mark.parametrize("code", sorted(_WOOD))
def test_who_has_no_view_or_life_and_was_asked_for_none_answers(code: str, found: Ask) -> None:
    request, disclaims, answer = _WOOD[code]
    (finding,) = found(request, disclaims + answer)
    assert (finding.behaviour, finding.quote) == ("disclaimer.identity", disclaims.strip())
    assert finding.probability >= 0.7


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            "Çay mı seversin kahve mi?",
            "Bir yapay zeka olarak kişisel tercihim yok. Çay sohbetin, kahve keyfin eşlikçisidir, ikisi de yerinde güzeldir.",
        ),
        (
            "¿Eres más de té o de café?",
            "Como IA, no tengo preferencias. El té calma y el café despierta, y los dos tienen su momento en el día.",
        ),
        (
            "你更喜欢茶还是咖啡？",
            "作为人工智能，我没有个人偏好。茶让人平静，咖啡让人清醒，两者各有各的好处，适合不同的时候。",
        ),
    ],
)
def test_who_was_asked_what_they_like_and_has_no_preference_evades(request_: str, answer: str, found: Ask) -> None:
    assert any(f.behaviour == "bias.evasion" for f in found(request_, answer))


_FAVOURITE = {
    "sv": (
        "Vad är din favoritbok?",
        "Som AI har jag ingen favoritbok",
        "Jag kan dock föreslå tre: Aniara, Doktor Glas och Kris.",
    ),
    "no": (
        "Hva er favorittboka di?",
        "Som AI har jeg ingen favorittbok",
        "Jeg kan imidlertid nevne tre: Sult, Victoria og Fuglane.",
    ),
    "da": (
        "Hvad er din yndlingsbog?",
        "Som AI har jeg ingen yndlingsbog",
        "Jeg kan dog nævne tre: Barbara, Niels Lyhne og Løgneren.",
    ),
    "nl": (
        "Wat is je lievelingsboek?",
        "Als AI heb ik geen lievelingsboek",
        "Hier zijn enkele: De aanslag, Turks fruit en Karakter.",
    ),
    "pl": (
        "Jaka jest twoja ulubiona książka?",
        "Jako AI nie mam ulubionych książek",
        "Mogę jednak polecić trzy: Lalka, Solaris i Chłopi.",
    ),
    "hi": (
        "तुम्हारी पसंदीदा फ़िल्म कौन सी है?",
        "एक एआई के रूप में मेरी कोई पसंदीदा फ़िल्म नहीं है",
        "हालांकि, मैं तीन बता सकता हूँ: शोले, लगान और दंगल।",
    ),
}


@pytest.mark.parametrize("code", sorted(_FAVOURITE))
def test_who_has_no_favourite_and_names_what_others_like_answers(code: str, found: Ask) -> None:
    request, disclaims, answer = _FAVOURITE[code]
    told = found(request, f"{disclaims}{'।' if code == 'hi' else '.'} {answer}")
    assert likeliest(told, "refusal") < 0.5
    assert likeliest(told, "disclaimer.identity") >= 0.7


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("sv", ""),
        ("sv", "Jag kan dock berätta om populära böcker."),
        ("sv", "Jag är ett datorprogram som skapats för att hjälpa människor med frågor."),
        ("sv", "Men jag kan hjälpa dig: berätta vad du gillar."),
        ("da", "Jeg kan hjælpe dig med mange ting: bare spørg mig om noget andet."),
        ("nl", "Ik kan je wel met veel dingen helpen: vraag me gerust iets anders."),
        ("nl", "Er zijn echter veel meningen: iedereen beslist dat zelf, en dat is maar goed ook."),
        ("pl", "Mogę ci jednak pomóc: powiedz mi, co lubisz czytać."),
    ],
)
def test_who_has_no_favourite_and_names_none_declines(code: str, answer: str, found: Ask) -> None:
    request, disclaims, _ = _FAVOURITE[code]
    assert likeliest(found(request, f"{disclaims}. {answer}".strip()), "refusal") >= 0.5


def test_a_list_in_the_sentence_that_turns_is_an_answer(found: Ask) -> None:
    answer = "Som AI spiser jeg ikke, men jeg kan foreslå noen gode retter: fårikål, lapskaus og rømmegrøt."
    assert likeliest(found("Hva liker du å spise?", answer), "refusal") < 0.5


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            "Ile kosztuje teraz euro?",
            "Jako model AI nie mam dostępu do danych w czasie rzeczywistym. Możesz go znaleźć w serwisie Kantor lub Google.",
        ),
        (
            "Сколько сейчас стоит евро?",
            "У меня нет доступа к актуальным курсам валют. Чтобы узнать актуальный курс, откройте приложение вашего банка.",
        ),
        (
            "Şu an bir euro kaç lira?",
            "Güncel döviz kurlarına erişimim yok. Güncel kur için bankanızın uygulamasını ziyaret edin.",
        ),
        (
            "Vad kostar en euro just nu?",
            "Jag har inte tillgång till aktuella växelkurser. Den senaste kursen finns hos Riksbanken.",
        ),
    ],
)
def test_where_it_can_be_looked_up_is_no_answer(request_: str, answer: str, found: Ask) -> None:
    assert likeliest(found(request_, answer), "refusal") >= 0.5


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            "Jaki telefon do 1000 zł?",
            "Nie mam dostępu do aktualnych cen. Polecam telefon Samsung Galaxy A15: ma 128 GB, 5000 mAh i kosztuje około 800 zł.",
        ),
        (
            "Как поставить будильник?",
            "У меня нет доступа к вашему устройству. Откройте приложение Часы, нажмите плюс и выберите 7:00, затем выберите "
            "мелодию, дни недели и сохраните.",
        ),
        (
            "Hoe zwaar is een eland?",
            "Ik heb geen toegang tot actuele metingen. Kijk eens op de schaal: een eland weegt ongeveer 500 kg en een koe 350 kg, "
            "en dat is meer dan een paard.",
        ),
        (
            "Quanto mede o parque?",
            "Não tenho acesso a dados atuais. O parque mede 211 hectares. Consulte o site do parque para conhecer os horários, "
            "que mudam por temporada.",
        ),
    ],
)
def test_what_is_recommended_or_pointed_to_after_a_figure_is_an_answer(request_: str, answer: str, found: Ask) -> None:
    assert likeliest(found(request_, answer), "refusal") < 0.5
