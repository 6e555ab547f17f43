"""The sample's makers of chocolate, and the trade items they sell, each under one GTIN."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from models.sample_data.load import escape
from models.sample_data.names import UniqueNames, words
from models.texts.gtin import append_check_digit

# Country, language of its labels, GS1 prefix, weight, "town, region" of its chocolatiers.
_COUNTRIES = (
    ("CH", "fr", "761", 6, ("Lausanne, Vaud", "Fribourg, Fribourg", "Genève, Genève")),
    ("CH", "de", "760", 9, ("Zürich, Zürich", "Luzern, Luzern", "St. Gallen, St. Gallen")),
    ("BE", "fr", "541", 7, ("Bruxelles, Bruxelles", "Liège, Wallonie", "Namur, Wallonie")),
    ("BE", "nl", "540", 8, ("Brugge, West-Vlaanderen", "Gent, Oost-Vlaanderen", "Antwerpen, Antwerpen")),
    ("FR", "fr", "376", 16, ("Lyon, Rhône", "Bayonne, Pyrénées-Atlantiques", "Tain, Drôme", "Paris, Île-de-France")),
    ("DE", "de", "426", 15, ("Köln, Nordrhein-Westfalen", "Dresden, Sachsen", "Aachen, Nordrhein-Westfalen",
                             "Lübeck, Schleswig-Holstein")),
    ("IT", "it", "805", 11, ("Torino, Piemonte", "Modica, Sicilia", "Perugia, Umbria", "Pisa, Toscana")),
    ("GB", "en", "506", 8, ("York, North Yorkshire", "Bournville, Birmingham", "Leith, Edinburgh")),
    ("US", "en", "008", 9, ("San Francisco, California", "Hershey, Pennsylvania", "Brooklyn, New York")),
    ("NL", "nl", "871", 6, ("Amsterdam, Noord-Holland", "Zaandam, Noord-Holland", "Breda, Noord-Brabant")),
    ("AT", "de", "912", 3, ("Wien, Wien", "Riegersburg, Steiermark")),
    ("ES", "es", "843", 4, ("Astorga, León", "Barcelona, Catalunya", "La Vila Joiosa, Alacant")),
    ("JP", "ja", "458", 4, ("Kyoto, Kyoto", "Kobe, Hyogo", "Tokyo, Tokyo")),
    ("EC", "es", "786", 3, ("Quito, Pichincha", "Guayaquil, Guayas")),
    ("PE", "es", "775", 1, ("Lima, Lima", "Cusco, Cusco")),
    ("BR", "pt", "789", 2, ("Ilhéus, Bahia", "Gramado, Rio Grande do Sul")),
    ("GH", "en", "603", 2, ("Tema, Greater Accra", "Accra, Greater Accra")),
    ("CI", "fr", "618", 1, ("Abidjan, Abidjan",)),
    ("MG", "fr", "377", 2, ("Antananarivo, Analamanga",)),
    ("DK", "en", "571", 2, ("København, Hovedstaden", "Aarhus, Midtjylland")),
)  # fmt: skip

FORMS = {
    "fr": ("Chocolaterie {}", "Maison {}", "{} Chocolatier", "Les Chocolats {}", "Confiserie {} et Fils"),
    "de": ("{} Schokoladen GmbH", "Confiserie {} AG", "Schokoladenmanufaktur {}", "{} & Söhne", "Chocolatier {}"),
    "nl": ("Chocolaterie {}", "{} Chocolade", "Gebroeders {}", "Chocolademakerij {}"),
    "it": ("Cioccolateria {}", "{} Cioccolato S.r.l.", "Antica Dolceria {}", "Fratelli {}"),
    "en": ("{} Chocolate Co.", "{} & Sons Chocolates", "{} Bean to Bar", "{} Confectionery Ltd"),
    "es": ("Chocolates {}", "{} Chocolatería", "Casa {}", "Hijos de {}"),
    "pt": ("Chocolates {}", "{} Chocolateria", "Casa {}"),
    "ja": ("{}製菓株式会社", "{}チョコレート工房", "{} Chocolate Kōbō"),
}  # fmt: skip
SURNAMES = {
    "fr": words("Beauséjour Lacôte Périgaud Grandjean Duçay Fauré Montélier Thévenet Aubépine Roussillon Gaillard "
                "Étienne Delaunay Noël Châtelain Girardot Maréchaux Pâquerette"),
    "de": words("Äschbacher Grünwald Hofstätter Müllner Brändli Köhlhoff Sonnleitner Weißhaupt Löffler Kästner "
                "Ringelstein Böhringer Zumstein Lindauer Vögeli Österreicher"),
    "nl": words("Verbeke Goossens Dejonghe Wauters Hoogland Claessens Bruyneel Ooms Vanhaecke Koopman Reinaert"),
    "it": words("Bonaccorso Ruggièri Fioravanti Castellani Perùgini Moriondi Savarino Bellocchio Giannòla Cortese"),
    "en": words("Thistlewood Harrowgate Pemberton Ashcombe Quincey Larkspur Dunmore Kettering Marlowe Adinkra "
                "Hawthorne Ravenscar Blackwell"),
    "es": words("Ibáñez Pacheco Cañizares Valcárcel Núñez Arriba Quintana Guayasamín Peñarroya Gómez-Rico"),
    "pt": words("Araçá Gonçalves Magalhães Ipê Cabruca Conceição Brandão"),
    "ja": words("鈴木 森川 高橋 山吹 Fujimori Kitano 京極"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SampleManufacturer:
    """A maker to be; `prefix` are the seven digits that begin all its GTINs."""

    name: str
    location: str
    country: str
    language: str
    prefix: str


def make_manufacturers(rng: Random, count: int) -> list[SampleManufacturer]:
    """`count` makers, unlike in (name, location); now and then the next town of the same one."""
    names = UniqueNames()
    makers = [
        SampleManufacturer(
            "Chocolaterie Beauséjour", "Lausanne, Vaud", "CH", "fr", prefix(1, "761")
        )
    ]
    names.claim(makers[0].name, makers[0].location)
    weights = [country[3] for country in _COUNTRIES]
    while len(makers) < count:
        country, language, gs1, _, places = rng.choices(_COUNTRIES, weights)[0]
        name = rng.choice(FORMS[language]).format(rng.choice(SURNAMES[language]))
        location = rng.choice(places)
        last = makers[-1]
        if len(makers) % 20 == 5:
            others = next(row for row in _COUNTRIES if row[:2] == (last.country, last.language))[4]
            elsewhere = [place for place in others if place != last.location]
            if elsewhere:
                name, country, language, location = (
                    last.name,
                    last.country,
                    last.language,
                    elsewhere[0],
                )
                gs1 = last.prefix[:3]
        name = names.claim(name, location)
        makers.append(
            SampleManufacturer(name, location, country, language, prefix(len(makers) + 1, gs1))
        )
    return makers


def prefix(number: int, gs1: str) -> str:
    """Return a company prefix of its own: 7919 has no common divisor with 10000."""
    return f"{gs1}{number * 7919 % 10_000:04}"


def write_manufacturers(makers: list[SampleManufacturer]) -> Iterator[str]:
    for number, one in enumerate(makers, 1):
        yield f"{number}\t{escape(one.name)}\t{escape(one.location)}\t{one.country}\n"


def compose_gtin(prefix: str, reference: int) -> str:
    """Return the GTIN-13 of a company prefix and an item reference, as GTIN-14."""
    return append_check_digit(f"0{prefix}{reference:05}")
