"""The messages of the example month: short and long, in several scripts, and how many segments each takes.

What belongs here: invented texts. `~` stands for a code of six digits, so that no two messages need be alike.
"""

import random

TEXTS: dict[str, tuple[str, ...]] = {
    "fr": (
        "Votre code de connexion est ~. Ne le communiquez à personne.",
        "Bonjour, votre commande ~ est prête. À bientôt en boutique !",
        "Rappel : rendez-vous demain à 14h30 avec le Dr Garnier, dossier ~. Répondez 1 pour confirmer.",
        "Votre colis n°~ sera livré aujourd'hui entre 9h et 12h. Merci de vous assurer d'être présent.",
        (
            "Cher client, la facture ~ d'un montant de 84,50 € est disponible dans votre espace. Nous vous"
            " remercions de la régler avant la fin du mois par virement ou prélèvement. Le service comptabilité"
        ),
        "Soldes ! -30 % sur toute la boutique jusqu'à dimanche avec le code ~. STOP au 36105",
        "Ça y est, l'été indien est là ☀️ : réservez votre séjour ~ dès maintenant, où que vous soyez.",
        "Suite à votre appel, un technicien passera cet après-midi. Référence ~. À bientôt, l'équipe Cœur.",
    ),
    "de": (
        "Ihr Anmeldecode lautet ~. Geben Sie ihn an niemanden weiter.",
        "Ihre Sendung ~ wird heute zwischen 10 und 12 Uhr zugestellt. Grüße, Ihr Lieferteam",
        "Zahlungserinnerung: Rechnung ~ über 129,00 € ist am 15. fällig. Bei Fragen rufen Sie uns gerne an.",
        "Termin bestätigt: Mo 9:15 Uhr, Praxis Schäfer, Vorgang ~. Bitte Versichertenkarte mitbringen.",
        "Nur heute: 20 € Rabatt ab 100 € Einkauf mit Gutschein ~. {Gilt nicht für Bücher}",
        (
            "Sehr geehrte Kundin, sehr geehrter Kunde, wegen Wartungsarbeiten ist unser Portal am Samstag von"
            " 22 bis 24 Uhr nicht erreichbar. Ihre Aufträge, auch Vorgang ~, werden danach bearbeitet. Wir"
            " danken für Ihr Verständnis. Ihr Serviceteam"
        ),
    ),
    "en": (
        "Your verification code is ~. It expires in 10 minutes.",
        "Hi! Your table for 4 at 7.30pm is booked, ref ~. Reply CANCEL to cancel.",
        "Your parcel ~ is out for delivery today.",
        'Reminder from Whitfield Dental: appointment on Tuesday at 9:40, ref ~. Text "YES" to confirm.',
        "Your car is ready for collection. Invoice ~: £214.60. We close at 6pm.",
        "Flash sale: everything 25% off with code ~ until midnight. Shop at example.com [STOP to opt out]",
        "We’re sorry we missed your call – one of the team will ring you back shortly. Ref ~",
        (
            "Thank you for joining us. Your member number is ~. Keep this message: it holds your direct line,"
            " your opening offer and the hours of our help desk, which is open from eight to eight on weekdays"
            " and from ten to four at weekends and on public holidays, all year round except on 25 December."
        ),
        "Your balance is low 😬 Top up now to keep your calls going. Account ~",
    ),
    "es": (
        "Su código es ~. No lo comparta con nadie.",
        "Su pedido ~ ya está en camino. ¡Gracias por su compra!",
        "Le recordamos su cita del jueves a las 11:00, expediente ~. Responda SÍ para confirmar.",
        "Hola, señor: mañana pasará el técnico entre las 8 y las 10 por el aviso ~. Un saludo.",
        "¡Última semana! 15 % de descuento con el código ~. Baja: responda BAJA",
    ),
    "it": (
        "Il tuo codice è ~. Non condividerlo con nessuno.",
        "Il pacco ~ è in consegna oggi. Città: Roma. A più tardi!",
        "Gentile cliente, la fattura ~ di 45,90 € è disponibile nella sua area riservata.",
    ),
    "el": (
        "Ο κωδικός σας είναι ~.",
        "Η παραγγελία σας ~ είναι έτοιμη για παραλαβή. Σας ευχαριστούμε πολύ για την προτίμηση!",
    ),
    "ja": (
        "認証コードは ~ です。10分以内に入力してください。",
        (
            "ご予約ありがとうございます。受付番号は ~ です。当日のご来店を心よりお待ちしております。"
            "変更やキャンセルは前日の午後六時までにお電話でご連絡ください。"
        ),
    ),
    "ru": (
        "Ваш код: ~. Никому его не сообщайте.",
        "Заказ ~ доставлен в пункт выдачи. Срок хранения семь дней, пожалуйста, возьмите с собой паспорт.",
    ),
    "ar": (
        "رمز التحقق الخاص بك هو ~",
        "عزيزي العميل، تم شحن طلبك رقم ~ وسيصل إليك غدا قبل الساعة الخامسة مساء. شكرا لثقتك بنا.",
    ),
    "emoji": (
        "On arrive dans 10 min 🚗💨 ~",
        "🎉🎉🎉 Merci !!! ~",
        "👨‍👩‍👧 Family day on Sunday 🥳 bring this code: ~",
        "Liste :\n- pain\n- lait\n- œufs\nmerci ! ~",
    ),
}
"""Language -> texts."""
REPLIES: dict[str, tuple[str, ...]] = {
    "fr": ("1", "Oui", "STOP", "Merci !", "D'accord, à demain.", "J'arrive dans 10 min 🚗", "Ça me va, reçu"),
    "de": ("JA", "Stopp", "Danke schön!", "Ich komme 10 Minuten später.", "Geht auch Mittwoch? Grüße"),
    "en": ("YES", "STOP", "CANCEL", "Thanks, see you then", "Running late, sorry 😬", "Who is this?"),
    "es": ("SÍ", "BAJA", "Gracias", "Mañana no puedo, ¿el viernes?"),
    "it": ("Sì", "STOP", "Grazie mille", "Arrivo più tardi"),
    "el": ("ΝΑΙ", "Ευχαριστώ πολύ"),
    "ja": ("はい", "ありがとうございます"),
}
"""Language -> what people write back."""
FOREIGN = ("ru", "ar", "emoji", "emoji", "en", "el", "ja")
"""What about one message in eight is written in instead of the sender's own language."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")
"""The GSM 7-bit alphabet of 3GPP TS 23.038 and its extension table."""


def message(rng: random.Random, language: str) -> str:
    """Return a message as somebody who speaks `language` would send it."""
    if rng.random() < 0.12:
        language = rng.choice(FOREIGN)
    return rng.choice(TEXTS[language]).replace("~", f"{rng.randrange(10**6):06d}")


def reply(rng: random.Random, language: str) -> str:
    """Return what somebody writes back in `language`."""
    return rng.choice(REPLIES[language])


def measured(text: str) -> tuple[str, int]:
    """Return the encoding that `text` needs and its length in it: gsm7 in septets, ucs2 in UTF-16 units."""
    if all(letter in _BASIC or letter in _EXTENSION for letter in text):
        return "gsm7", len(text) + sum(letter in _EXTENSION for letter in text)
    return "ucs2", len(text.encode("utf-16-le")) // 2


def parts(text: str) -> int:
    """Return how many parts a provider would say that `text` takes; characters at a seam don't count."""
    encoding, length = measured(text)
    single, joined = (160, 153) if encoding == "gsm7" else (70, 67)
    return 1 if length <= single else -(-length // joined)
