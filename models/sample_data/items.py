"""What the sample's products are called and say of themselves, in the language of their maker."""

from dataclasses import dataclass
from random import Random

from models.sample_data.manufacturers import SampleManufacturer, compose_gtin
from models.sample_data.parties import BLEND
from models.sample_data.places import ORIGINS

BAR, POWDER_TIN, BEAN_BAR, CRAFT_BAR, NIB_BAR, WHITE_BAR, MILK_BAR = range(7)

# Names by kind and language of the maker.
Labels = dict[int, dict[str, tuple[str, ...]]]

# One origin: {cru} and {country} say it; blends are called by what else is in them.
SINGLE: Labels = {
    BAR: {
        "fr": ("{cru} {p}% Noir", "Grand Cru {cru} {p}%", "Noir {country} {p}%"),
        "de": ("{cru} Edelbitter {p}%", "{country} {p}% Zartbitter", "Grand Cru {cru} {p}%"),
        "it": ("Fondente {cru} {p}%", "{country} {p}% Fondente Extra"),
        "nl": ("Puur {cru} {p}%", "{country} {p}% Pure Chocolade"),
        "es": ("{cru} {p}% Negro", "{country} {cru} {p}%"),
        "en": ("{country} {cru} {p}%", "{cru} {p}% Dark", "Single Origin {country} {p}%"),
        "pt": ("{cru} {p}% Amargo", "{country} {p}% Intenso"),
        "ja": ("{cru} カカオ{p}%", "{country} {p}% ダーク"),
    },
    MILK_BAR: {
        "fr": ("Lait {cru} {p}%",), "de": ("{cru} Vollmilch {p}%",), "it": ("Latte {cru} {p}%",),
        "nl": ("Melk {cru} {p}%",), "es": ("{cru} con Leche {p}%",), "en": ("{cru} Milk {p}%",),
        "pt": ("{cru} ao Leite {p}%",), "ja": ("{cru} ミルク{p}%",),
    },
}  # fmt: skip
BLENDED: Labels = {
    BAR: {
        "fr": ("Noir Intense {p}%", "Noir Fleur de Sel {p}%", "Noir Éclats de Fèves {p}%", "Noir Orange Confite {p}%"),
        "de": ("Edelbitter {p}%", "Zartbitter Orange-Mandel {p}%", "Bittere Nuss {p}%", "Feinherb {p}%"),
        "it": ("Fondente Extra {p}%", "Fondente Nocciole Piemonte {p}%", "Gianduja Fondente {p}%"),
        "nl": ("Puur {p}%", "Puur Zeezout {p}%", "Extra Puur Gember {p}%"),
        "es": ("Negro {p}%", "Negro con Sal Marina {p}%", "Negro a la Naranja {p}%"),
        "en": ("Dark {p}%", "Sea Salt Dark {p}%", "Almond Dark {p}%", "Ginger Dark {p}%"),
        "pt": ("Amargo {p}%", "Amargo com Castanha-do-Pará {p}%"),
        "ja": ("ダーク{p}%", "抹茶ビター{p}%", "Yuzu Dark {p}%"),
    },
    MILK_BAR: {
        "fr": ("Lait Crémeux {p}%", "Lait Noisettes Entières {p}%", "Lait Caramel au Beurre Salé {p}%"),
        "de": ("Haselnuss-Nougat {p}%", "Alpenvollmilch {p}%", "Mandel-Krokant {p}%"),
        "it": ("Latte Cremoso {p}%", "Gianduja {p}%"), "nl": ("Melk {p}%", "Melk Hazelnoot {p}%"),
        "es": ("Con Leche {p}%", "Con Leche y Avellanas {p}%"), "en": ("Creamy Milk {p}%", "Hazelnut Milk {p}%"),
        "pt": ("Ao Leite {p}%",), "ja": ("ミルク{p}%", "きなこミルク{p}%"),
    },
    WHITE_BAR: {
        "fr": ("Ivoire {p}%", "Blanc Vanille {p}%"), "de": ("Weiße Vanille {p}%", "Weiße Joghurt-Himbeere {p}%"),
        "it": ("Bianco al Pistacchio {p}%",), "nl": ("Wit {p}%",), "es": ("Blanco {p}%",),
        "en": ("White Vanilla {p}%", "White Raspberry {p}%"), "pt": ("Branco {p}%",), "ja": ("抹茶ホワイト{p}%",),
    },
    POWDER_TIN: {
        "fr": ("Chocolat en Poudre {p}%",), "de": ("Trinkschokolade {p}%", "Edelkakao {p}%"),
        "it": ("Cioccolata in Tazza {p}%",), "nl": ("Cacaopoeder {p}%",), "es": ("Chocolate a la Taza {p}%",),
        "en": ("Drinking Chocolate {p}%",), "pt": ("Chocolate em Pó {p}%",), "ja": ("ココア{p}%",),
    },
    NIB_BAR: {
        "fr": ("Éclats de Fèves Enrobés {p}%",), "de": ("Kakaonibs-Knusper {p}%",), "it": ("Fave Croccanti {p}%",),
        "nl": ("Cacaonibs Krokant {p}%",), "es": ("Nibs Crocantes {p}%",), "en": ("Crunchy Nibs {p}%",),
        "pt": ("Nibs Crocantes {p}%",), "ja": ("カカオニブ{p}%",),
    },
}  # fmt: skip
NOUNS = {
    BAR: "Dark chocolate", POWDER_TIN: "Drinking chocolate", BEAN_BAR: "Bean-to-bar chocolate",
    CRAFT_BAR: "Stone-ground dark chocolate", NIB_BAR: "Cocoa nibs in dark chocolate",
    WHITE_BAR: "White chocolate", MILK_BAR: "Milk chocolate",
}  # fmt: skip
GRAMS = {POWDER_TIN: (200, 250, 500), NIB_BAR: (80, 120), BEAN_BAR: (50, 60, 70)}


@dataclass(frozen=True, slots=True)
class Nature:
    """What lots make of a product: `origin` indexes ORIGINS or is BLEND."""

    kind: int
    origin: int
    percent: int


@dataclass(frozen=True, slots=True)
class Item:
    """A trade item: every product lot of it has its name, GTIN and cocoa content."""

    maker: int
    name: str
    description: str
    percent: int
    gtin: str


def make_item(
    rng: Random, nature: Nature, number: int, maker: SampleManufacturer, reference: int
) -> Item:
    """Return the maker's `reference`-th item; `number` is the maker's id."""
    name = name_item(rng, nature, maker.language)
    return Item(
        number, name, describe(rng, nature), nature.percent, compose_gtin(maker.prefix, reference)
    )


def name_item(rng: Random, nature: Nature, language: str) -> str:
    kind = BAR if nature.kind in (BEAN_BAR, CRAFT_BAR) else nature.kind
    single = nature.origin != BLEND and kind in SINGLE
    template = rng.choice((SINGLE if single else BLENDED)[kind][language])
    origin = ORIGINS[nature.origin]
    return template.format(cru=origin.cru, country=origin.name, p=nature.percent)


def describe(rng: Random, nature: Nature) -> str:
    text = f"{NOUNS[nature.kind]}, {nature.percent} % cocoa"
    if nature.origin != BLEND:
        text += f", cacao of one origin: {ORIGINS[nature.origin].name}"
    return f"{text}, {rng.choice(GRAMS.get(nature.kind, (70, 80, 100)))} g"
