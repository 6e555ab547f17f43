"""Country codes: the officially assigned alpha-2 codes of ISO 3166-1.

The list is that of the function `is_country` in schema.sql, which is read from there: codes that ISO
withdrew (AN) or leaves to its users (XK, EU) are not in it.
"""

import re
from functools import cache

from models.migration.schema_file import SCHEMA

_DEFINITION = re.compile(r"create function is_country\(.*?;\n", re.DOTALL)
_CODE = re.compile(r"\b[A-Z]{2}\b")


@cache
def country_codes() -> frozenset[str]:
    """Return the codes that the database accepts, in capital letters."""
    definition = _DEFINITION.search(SCHEMA.read_text(encoding="utf-8"))
    assert definition is not None, "schema.sql has no function is_country"
    return frozenset(_CODE.findall(definition[0]))


def country_code(text: str) -> str:
    """Return the code in capital letters; raises ValueError for a text that is no country code."""
    code = text.upper() if text.isascii() else ""
    if code not in country_codes():
        raise ValueError("not an ISO 3166-1 alpha-2 code")
    return code
