"""Names of certification schemes: one canonical spelling each, whatever the case they are written in."""

from models.texts.normal_form import normal_text

_NAMES = (
    "Demeter",
    "EU Organic",
    "Fair for Life",
    "Fairtrade",
    "Naturland",
    "Organic",
    "Rainforest Alliance",
    "USDA Organic",
    "UTZ",
)
# Attributes that hold the name of a scheme.
ATTRIBUTES = ("certification", "scheme")
CANONICAL = {name.casefold(): name for name in _NAMES}


def scheme_name(text: str) -> str:
    """Return the canonical spelling of a scheme that is known, else the normal form of the text.

    The database compares schemes by same_scheme(), so that spellings of unknown ones meet too.
    """
    name = normal_text(text)
    return CANONICAL.get(name.casefold(), name)


def spellings(attribute: str, text: str) -> set[str]:
    """How a text may be stored as this attribute; a known scheme also as SQL wrote it."""
    normal = normal_text(text)
    return {normal, scheme_name(text)} if attribute in ATTRIBUTES else {normal}
