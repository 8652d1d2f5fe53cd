"""The countries that the example's customers live in: their numbers, neighbours, names and hours.

What belongs here: constants about places. Where a regulator has set numbers aside for drama (France, the
United Kingdom, the United States, Germany), the customers' own numbers are of those.
"""

import random
from dataclasses import dataclass

CLASSES = ("geographic", "mobile", "national", "toll_free")


@dataclass(frozen=True)
class Home:
    """One country. In templates each x is any digit; people there are called on `fixed` and `mobile`.

    `neighbours` are the countries they call most, the most called first.
    """

    share: int
    zone: str
    language: str
    currencies: tuple[str, ...]
    neighbours: tuple[str, ...]
    numbers: dict[str, tuple[str, ...]]
    fixed: tuple[str, ...]
    mobile: tuple[str, ...]
    forms: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    vat_template: str = ""


def filled(rng: random.Random, template: str) -> str:
    """Return the template with a random digit for each x; the x stand together.

    >>> filled(random.Random(1), "+33x")
    '+332'
    """
    places = template.count("x")
    head, _, tail = template.partition("x" * places)
    return f"{head}{rng.randrange(10**places):0{places}d}{tail}"


def _us(*areas: int) -> tuple[str, ...]:
    return tuple(f"+1{area}55501xx" for area in areas)


_US_AREAS = (212, 213, 303, 305, 312, 404, 415, 512, 602, 617, 646, 702, 713, 718, 773, 818, 917)

HOMES: dict[str, Home] = {
    "FR": Home(
        share=64,
        zone="Europe/Paris",
        language="fr",
        currencies=("EUR",),
        neighbours=("BE", "CH", "DE", "ES", "GB", "IT", "LU", "MA", "DZ", "TN", "SN", "RE", "GP", "PT"),
        numbers={
            "geographic": ("+3319900xxxx", "+3326191xxxx", "+3335301xxxx", "+3346571xxxx", "+3353649xxxx"),
            "mobile": ("+3363998xxxx",),
            "national": ("+3397018xxxx", "+3397319xxxx"),
            "toll_free": ("+3380508xxxx",),
        },
        fixed=(
            "+331xxxxxxxx",
            "+332xxxxxxxx",
            "+333xxxxxxxx",
            "+334xxxxxxxx",
            "+335xxxxxxxx",
            "+339xxxxxxxx",
        ),
        mobile=("+336xxxxxxxx", "+336xxxxxxxx", "+3376xxxxxxx"),
        forms=("SAS", "SARL", "SA", "et Fils"),
        first_names=("Camille", "Léa", "Hugo", "Inès", "Théo", "Chloé"),
        last_names=("Moreau", "Lefèvre", "Garnier", "Rousseau", "Benali", "Chevallier"),
        vat_template="FRxxxxxxxxxxx",
    ),
    "DE": Home(
        share=22,
        zone="Europe/Paris",
        language="de",
        currencies=("EUR",),
        neighbours=("AT", "CH", "FR", "NL", "PL", "CZ", "BE", "DK", "TR", "IT"),
        numbers={
            "geographic": ("+493023125xxx", "+496990009xxx", "+494066969xxx", "+498999998xxx"),
            "mobile": ("+4917139200xx", "+4915228817xxx"),
            "national": ("+4932221xxxxxx",),
            "toll_free": ("+498001xxxxxx",),
        },
        fixed=("+4930xxxxxxxx", "+4940xxxxxxxx", "+4989xxxxxxxx", "+49221xxxxxxx", "+49711xxxxxxx"),
        mobile=("+49151xxxxxxxx", "+49160xxxxxxx", "+49176xxxxxxxx"),
        forms=("GmbH", "AG", "GmbH & Co. KG"),
        first_names=("Lena", "Jonas", "Mia", "Felix", "Emma", "Jürgen"),
        last_names=("Schäfer", "Vogel", "Krüger", "Weiß", "Brandt", "Yılmaz"),
        vat_template="DExxxxxxxxx",
    ),
    "ES": Home(
        share=17,
        zone="Europe/Paris",
        language="es",
        currencies=("EUR",),
        neighbours=("PT", "FR", "GB", "DE", "IT", "MA", "AR", "MX", "CO"),
        numbers={
            "geographic": ("+34911xxxxxx", "+34931xxxxxx"),
            "mobile": ("+34711xxxxxx",),
            "national": ("+3451xxxxxxx",),
            "toll_free": ("+34900xxxxxx",),
        },
        fixed=("+3491xxxxxxx", "+3493xxxxxxx", "+3495xxxxxxx", "+3496xxxxxxx"),
        mobile=("+346xxxxxxxx", "+346xxxxxxxx", "+3471xxxxxxx"),
        forms=("S.L.", "S.A."),
        first_names=("Lucía", "Pablo", "Martina", "Álvaro", "Noa"),
        last_names=("Núñez", "Ortega", "Ibáñez", "Castro", "Molina"),
        vat_template="ESBxxxxxxxx",
    ),
    "BE": Home(
        share=15,
        zone="Europe/Paris",
        language="fr",
        currencies=("EUR",),
        neighbours=("FR", "NL", "DE", "LU", "GB", "MA", "CD"),
        numbers={
            "geographic": ("+322588xxxx", "+323808xxxx"),
            "mobile": ("+32460xxxxxx",),
            "national": ("+3278xxxxxx",),
            "toll_free": ("+32800xxxxx",),
        },
        fixed=("+322xxxxxxx", "+323xxxxxxx", "+324xxxxxxx", "+329xxxxxxx"),
        mobile=("+3247xxxxxxx", "+3248xxxxxxx", "+3249xxxxxxx"),
        forms=("SRL", "BV", "SA"),
        first_names=("Noor", "Lucas", "Elise", "Arthur"),
        last_names=("Peeters", "Janssens", "Dubois", "Claes"),
        vat_template="BE0xxxxxxxxx",
    ),
    "US": Home(
        share=28,
        zone="America/New_York",
        language="en",
        currencies=("USD",),
        neighbours=("CA", "MX", "GB", "PR", "DO", "JM", "IN", "PH"),
        numbers={
            "geographic": _us(*_US_AREAS),
            "mobile": _us(347, 929, 628, 872),
            "national": _us(500),
            "toll_free": _us(800, 833, 855, 888),
        },
        fixed=tuple(f"+1{area}xxxxxxx" for area in _US_AREAS),
        mobile=tuple(f"+1{area}xxxxxxx" for area in _US_AREAS),
        forms=("Inc.", "LLC", "Corp."),
        first_names=("Olivia", "Liam", "Emma", "Noah", "Ava"),
        last_names=("Hughes", "Ramirez", "Foster", "Nguyen", "Coleman"),
    ),
    "GB": Home(
        share=19,
        zone="Europe/London",
        language="en",
        currencies=("EUR", "USD"),
        neighbours=("IE", "FR", "ES", "DE", "US", "JE", "PK", "NG", "PL"),
        numbers={
            "geographic": (
                "+4420794600xx",
                "+442079460xxx",
                "+441614960xxx",
                "+441214960xxx",
                "+441134960xxx",
            ),
            "mobile": ("+447700900xxx",),
            "national": ("+443069990xxx",),
            "toll_free": ("+448081570xxx",),
        },
        fixed=("+4420xxxxxxxx", "+44161xxxxxxx", "+44121xxxxxxx", "+44131xxxxxxx", "+44113xxxxxxx"),
        mobile=("+4475xxxxxxxx", "+4478xxxxxxxx", "+4474xxxxxxxx"),
        forms=("Ltd", "LLP", "plc"),
        first_names=("Amelia", "Oliver", "Isla", "George"),
        last_names=("Whitfield", "Okafor", "Bennett", "Singh"),
    ),
    "CH": Home(
        share=10,
        zone="Europe/Paris",
        language="de",
        currencies=("EUR",),
        neighbours=("FR", "DE", "IT", "AT", "LI", "PT"),
        numbers={
            "geographic": ("+4122518xxxx", "+4143508xxxx"),
            "mobile": ("+4177980xxxx",),
            "national": ("+4158510xxxx",),
            "toll_free": ("+41800xxxxxx",),
        },
        fixed=("+4122xxxxxxx", "+4144xxxxxxx", "+4131xxxxxxx"),
        mobile=("+4176xxxxxxx", "+4178xxxxxxx", "+4179xxxxxxx"),
        forms=("AG", "SA", "GmbH"),
        first_names=("Nina", "Luca", "Anouk"),
        last_names=("Keller", "Favre", "Bianchi"),
    ),
    "IT": Home(
        share=8,
        zone="Europe/Paris",
        language="it",
        currencies=("EUR",),
        neighbours=("CH", "FR", "DE", "SM", "RO", "AL"),
        numbers={
            "geographic": ("+390694801xxx", "+390294750xxx"),
            "mobile": ("+39351980xxxx",),
            "national": ("+390199xxxxxx",),
            "toll_free": ("+39800xxxxxx",),
        },
        fixed=("+3906xxxxxxxx", "+3902xxxxxxxx", "+39011xxxxxxx"),
        mobile=("+39333xxxxxxx", "+39347xxxxxxx", "+39320xxxxxxx"),
        forms=("S.r.l.", "S.p.A."),
        first_names=("Giulia", "Marco", "Sofia"),
        last_names=("Ferraro", "Conti", "Gallo"),
        vat_template="ITxxxxxxxxxxx",
    ),
    "NL": Home(
        share=7,
        zone="Europe/Paris",
        language="en",
        currencies=("EUR",),
        neighbours=("BE", "DE", "GB", "FR", "SR"),
        numbers={
            "geographic": ("+3120808xxxx", "+3110798xxxx"),
            "mobile": ("+3161398xxxx",),
            "national": ("+3188088xxxx",),
            "toll_free": ("+31800xxxxxxx",),
        },
        fixed=("+3120xxxxxxx", "+3110xxxxxxx", "+3130xxxxxxx"),
        mobile=("+316xxxxxxxx",),
        forms=("B.V.", "N.V."),
        first_names=("Sanne", "Daan"),
        last_names=("de Vries", "Bakker", "Visser"),
        vat_template="NLxxxxxxxxxB01",
    ),
    "JP": Home(
        share=5,
        zone="Asia/Tokyo",
        language="ja",
        currencies=("USD",),
        neighbours=("KR", "US", "TW", "CN", "SG"),
        numbers={
            "geographic": ("+81345xxxxxx",),
            "mobile": ("+817098xxxxxx",),
            "national": ("+815058xxxxxx",),
            "toll_free": ("+81120xxxxxx",),
        },
        fixed=("+813xxxxxxxx", "+816xxxxxxxx"),
        mobile=("+8190xxxxxxxx", "+8180xxxxxxxx"),
        forms=("K.K.", "G.K."),
        first_names=("Haruto", "Yui"),
        last_names=("Tanaka", "Mori", "Ishikawa"),
    ),
    "GR": Home(
        share=3,
        zone="Europe/Athens",
        language="el",
        currencies=("EUR",),
        neighbours=("CY", "BG", "IT", "DE", "FR"),
        numbers={"geographic": ("+30211198xxxx",), "mobile": ("+30690098xxxx",)},
        fixed=("+30210xxxxxxx", "+302310xxxxxx"),
        mobile=("+3069xxxxxxxx",),
        forms=("A.E.", "E.P.E."),
        first_names=("Eleni", "Nikos"),
        last_names=("Papadaki", "Georgiou"),
    ),
    "LU": Home(
        share=2,
        zone="Europe/Paris",
        language="fr",
        currencies=("EUR",),
        neighbours=("FR", "BE", "DE"),
        numbers={"geographic": ("+35227980xxx",), "mobile": ("+352671980xxx",)},
        fixed=("+35226xxxxxx",),
        mobile=("+352621xxxxxx", "+352691xxxxxx"),
        forms=("S.à r.l.", "S.A."),
        first_names=("Jil", "Tom"),
        last_names=("Schmit", "Weber"),
        vat_template="LUxxxxxxxx",
    ),
}
"""Country code -> the place; `share` of the accounts."""

FIRST_WORDS = (
    *(
        "Altara",
        "Belmont",
        "Cedrine",
        "Dorval",
        "Elvado",
        "Fontenay",
        "Garonne",
        "Halden",
        "Isarco",
        "Jorvik",
    ),
    *("Kestrel", "Lumio", "Mirabel", "Nordan", "Orvane", "Pellier", "Quintal", "Rivane", "Solenne", "Tavira"),
)
SECOND_WORDS = (
    *("Assurances", "Automotive", "Cargo", "Clinic", "Conseil", "Dental", "Energy", "Events", "Finance"),
    *(
        "Foods",
        "Immobilier",
        "Labs",
        "Logistics",
        "Media",
        "Mobility",
        "Optic",
        "Pharma",
        "Retail",
        "Security",
    ),
    *("Solar", "Studio", "Systems", "Travel", "Voyages"),
)
"""What the names of companies are made of."""
