"""The searches of bench.scale: filters, counts and orders of the README, and where values come from.

Values are drawn from what the database holds, so that a search finds something.
"""

from dataclasses import dataclass
from typing import Any

from bench.database import execute


@dataclass(frozen=True)
class Drawn:
    """Values of a column, or an expression, of a table; `kind` is their GraphQL type."""

    kind: str
    expression: str
    source: str


@dataclass(frozen=True)
class Search:
    """A document that asks for the value $v; without `drawn`, for nothing in particular."""

    name: str
    selection: str
    drawn: Drawn | None = None

    @property
    def text(self) -> str:
        head = f"query ($v: {self.drawn.kind}!) " if self.drawn else ""
        return f"{head}{{ {self.selection} }}"


def words_of(table: str, key: str) -> Drawn:
    """Words of names, without case and accents, as one types them."""
    letters = "regexp_split_to_table(name, '[^[:alpha:]]+')"
    words = f"(select lower(unaccent({letters})) as word from {table} where {key} <= 20000) words"
    return Drawn("String", "word", f"{words} where length(word) > 3")


WORD, SUPPLIERS_WORD = words_of("products", "product_id"), words_of("suppliers", "supplier_id")
_COUNTRY = Drawn("CountryCode", "country", "suppliers")
MAKERS_COUNTRY = Drawn("CountryCode", "country", "manufacturers")
_STAGE = Drawn("Stage", "upper(stage)", "cacao_batches")
_SCHEME = Drawn("String", "certification", "cacao_batches")
_NAME = Drawn("String", "name", "products")
_GTIN = Drawn("GTIN", "gtin", "products where product_id <= 20000")
_BATCH = Drawn("String", "batch_number", "products")
_LOT = Drawn("String", "lot_number", "cacao_batches")
_DAY = Drawn("Date", "production_date::text", "products where product_id <= 20000")
HARVEST = Drawn("Date", "harvest_date::text", "cacao_batches")
EVENT = Drawn("String", "event", "transactions where transaction_id <= 100000")
_PRODUCT = Drawn("Int", "product_id", "products where product_id % 97 = 1")
DIRECTION = Drawn("OrderDirection", "d", "(values ('ASC'), ('DESC')) directions (d)")


def products(filtered: str, more: str = "", selected: str = "nodes { productId name }") -> str:
    return f"products(filter: {{{filtered}}}{more}) {{ {selected} }}"


def batches(filtered: str, more: str = "", selected: str = "nodes { lotNumber }") -> str:
    return f"cacaoBatches(filter: {{{filtered}}}{more}) {{ {selected} }}"


def suppliers(filtered: str, more: str = "", selected: str = "nodes { name }") -> str:
    return f"suppliers(filter: {{{filtered}}}{more}) {{ {selected} }}"


def ordered(field: str, direction: str = "ASC") -> str:
    return f", orderBy: [{{field: {field}, direction: {direction}}}]"


SUPPLIERS_COUNTRY = "supplier: {country: {eq: $v}}"
README = (
    "name: {contains: $v}, manufacturer: {country: {eq: CH}}, "
    "cacaoBatches: {some: {stage: {eq: COUVERTURE}}}"
)
_BACK = """product(by: {productId: $v}) { name manufacturer { name country }
  cacaoBatches(first: 1, filter: {stage: {eq: COUVERTURE}}) { edges { quantityKg node { stage
    inputs(first: 1, filter: {stage: {eq: LIQUOR}}) { edges { quantityKg node { stage
      inputs(first: 1) { edges { node { stage supplier { name } } } } } } } } } } }"""
_EVENTS = "nodes { timestamp event }"
_COUNTED = "totalCount"

SEARCHES = [
    Search("products: a word of the name", products("name: {contains: $v}"), WORD),
    Search("products: a word, a maker's country, a stage", products(README), WORD),
    Search("products: a word or a batch number",
           products("or: [{name: {contains: $v}}, {batchNumber: {eq: $v}}]"), WORD),
    Search("products: not a word", products("not: {name: {contains: $v}}"), WORD),
    Search("products: a description", products("description: {contains: $v}"), WORD),
    Search("products: a GTIN", products("gtin: {eq: $v}"), _GTIN),
    Search("products: a batch number", products("batchNumber: {eq: $v}"), _BATCH),
    Search("products: a maker's country",
           products("manufacturer: {country: {eq: $v}}"), MAKERS_COUNTRY),
    Search("products: some batch of a stage",
           products("cacaoBatches: {some: {stage: {eq: $v}}}"), _STAGE),
    Search("products: some batch of a supplier's country",
           products(f"cacaoBatches: {{some: {{{SUPPLIERS_COUNTRY}}}}}"), _COUNTRY),
    Search("products: some batch of a supplier's name",
           products("cacaoBatches: {some: {supplier: {name: {contains: $v}}}}"), SUPPLIERS_WORD),
    Search("products: no batch of a certification",
           products("cacaoBatches: {none: {certification: {eq: $v}}}"), _SCHEME),
    Search("products: every batch of a certification",
           products("cacaoBatches: {every: {certification: {eq: $v}}}"), _SCHEME),
    Search("products: some event", products("transactions: {some: {event: {eq: $v}}}"), EVENT),
    Search("products: not on hold", products("onHold: {eq: false}, name: {eq: $v}"), _NAME),
    Search("batches: a lot number", batches("lotNumber: {eq: $v}"), _LOT),
    Search("batches: a stage", batches("stage: {eq: $v}"), _STAGE),
    Search("batches: a certification", batches("certification: {eq: $v}"), _SCHEME),
    Search("batches: a supplier's country", batches(SUPPLIERS_COUNTRY), _COUNTRY),
    Search("batches: a supplier's name", batches("supplier: {name: {contains: $v}}"),
           SUPPLIERS_WORD),
    Search("suppliers: a word of the name", suppliers("name: {contains: $v}"), SUPPLIERS_WORD),
    Search("suppliers: a country", suppliers("country: {eq: $v}"), _COUNTRY),
    Search("events: a kind", f"transactions(filter: {{event: {{eq: $v}}}}) {{ {_EVENTS} }}", EVENT),
    Search("events: of products of a name",
           f"transactions(filter: {{product: {{name: {{contains: $v}}}}}}) {{ {_EVENTS} }}", WORD),
    Search("a product: batches and inputs of a stage", _BACK, _PRODUCT),
    Search("a product: findings of a severity",
           "product(by: {productId: $v}) { auditFindings(first: 1, "
           "filter: {severity: {in: [ERROR, WARNING]}}) { totalCount nodes { rule } } }", _PRODUCT),
    Search("products: counted", "products { totalCount }"),
    Search("products: a word, counted",
           products("name: {contains: $v}", selected=_COUNTED), WORD),
    Search("products: a word, a maker's country, a stage, counted",
           products(README, selected=_COUNTED), WORD),
    Search("products: a maker's country, counted",
           products("manufacturer: {country: {eq: $v}}", selected=_COUNTED), MAKERS_COUNTRY),
    Search("batches: a supplier's country, counted",
           batches(SUPPLIERS_COUNTRY, selected=_COUNTED), _COUNTRY),
    Search("suppliers: counted", "suppliers { totalCount }"),
    Search("suppliers: a country, counted",
           suppliers("country: {eq: $v}", selected=_COUNTED), _COUNTRY),
    Search("events: counted", "transactions { totalCount }"),
    *(Search(f"products: by {field.lower().replace('_', ' ')}, either end",
             f"products(orderBy: [{{field: {field}, direction: $v}}]) {{ nodes {{ name }} }}",
             DIRECTION)
      for field in ("PRODUCT_ID", "NAME", "BATCH_NUMBER", "GTIN", "COCOA_PERCENT",
                    "PRODUCTION_DATE")),
    Search("products: by name, from one on", products("name: {gte: $v}", ordered("NAME")), _NAME),
    Search("products: by name, down from one",
           products("name: {lte: $v}", ordered("NAME", "DESC")), _NAME),
    Search("products: by day, from one on",
           products("productionDate: {gte: $v}", ordered("PRODUCTION_DATE")), _DAY),
    Search("products: a word, newest first",
           products("name: {contains: $v}", ordered("PRODUCTION_DATE", "DESC")), WORD),
    Search("products: a maker's country, by name",
           products("manufacturer: {country: {eq: $v}}", ordered("NAME")), MAKERS_COUNTRY),
    Search("batches: by day of harvest, from one on",
           batches("harvestDate: {gte: $v}", ordered("HARVEST_DATE")), HARVEST),
    Search("batches: a supplier's country, heaviest first",
           batches(SUPPLIERS_COUNTRY, ordered("QUANTITY_KG", "DESC")), _COUNTRY),
    Search("suppliers: a country, by name", suppliers("country: {eq: $v}", ordered("NAME")),
           _COUNTRY),
    Search("events: newest first of a kind",
           f"transactions(filter: {{event: {{eq: $v}}}}{ordered('TIMESTAMP', 'DESC')}) "
           f"{{ {_EVENTS} }}", EVENT),
]  # fmt: skip


def variables_of(url: str, search: Search, count: int) -> list[dict[str, Any]]:
    """At most so many different values as variables, the same ones each time; else none, once."""
    if search.drawn is None:
        return [{}]
    source = f"select distinct {search.drawn.expression} as v from {search.drawn.source}"
    chosen = f"select v from ({source}) found where v is not null order by md5(v::text)"
    return [{"v": row[0]} for row in execute(url, f"{chosen} limit {count}")]
