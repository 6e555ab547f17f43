"""The edges between lots that a walk from some lots or products reaches, in one statement.

A recursive query of numbers alone, each once, finds the lots: what it costs grows with the edges that
are reached, neither with the ways through them nor with the tables. Cycles, which only corrupt data
has, end it like any lot that was met before. Kilograms leave as whole grams.
"""

from dataclasses import dataclass

# Whom an event names as customer: by name, or as an object with one; else as destination, by name or
# place. The first event that does so is what a customer is known by.
CUSTOMER = """coalesce(
  CASE jsonb_typeof(t.details -> 'customer') WHEN 'string' THEN t.details ->> 'customer'
    ELSE t.details -> 'customer' ->> 'name' END,
  CASE jsonb_typeof(t.details -> 'destination') WHEN 'string' THEN t.details ->> 'destination'
    ELSE coalesce(t.details -> 'destination' ->> 'name', t.details -> 'destination' ->> 'place') END)"""
# Lots that one walk reads at most beside those it begins at, the nearest ones.
MAX_TRACED_LOTS = 100_000
# Steps up to which lots are distinguished by depth while they are read.
BOUNDED = 10


@dataclass(frozen=True, slots=True)
class Reach:
    """A walk: which way, from lots or products, and what is read beside the edges.

    `dated`: only edges that were recorded by a time; `blended`: what each lot that was reached is
    made of in all, and who made each product; `staged`: the stage of each lot; `sold`: whom the events
    of lots and products name as customers.
    """

    back: bool
    from_products: bool
    dated: bool = False
    staged: bool = False
    blended: bool = False
    sold: bool = False

    @property
    def parameters(self) -> int:
        """How many parameters it takes: starts, step, most steps, most rows, and the time if dated."""
        return 5 if self.dated else 4


def statement_of(reaches: list[Reach]) -> tuple[str, int]:
    """Return the statement of several walks and the number of its parameters; one JSON array of their edges."""
    parts, place = [], 1
    for reach in reaches:
        parts.append(_walk(reach, place))
        place += reach.parameters
    return f"SELECT json_build_array({', '.join(parts)})::text", place - 1


def edge_arguments(
    reach: Reach, starts: list[int], max_depth: int | None, as_of: object
) -> tuple[object, ...]:
    """Return the parameters of one walk.

    With few steps, lots are distinguished by depth too, so that nothing farther is read;
    else depth is found afterwards, which costs less.
    """
    most = MAX_TRACED_LOTS if reach.from_products else MAX_TRACED_LOTS + len(starts)
    if max_depth is None or max_depth > BOUNDED:
        bounds: tuple[object, ...] = (0, 2, most)
    else:
        bounds = (1, max_depth, most * (max_depth + 1))
    return (starts, *bounds, *((as_of,) if reach.dated else ()))


def _walk(reach: Reach, place: int) -> str:
    starts, step, most, limit, when = (f"${place + index}" for index in range(5))
    near, far = ("output_batch_id", "input_batch_id")
    if not reach.back:
        near, far = far, near
    dated = f" AND e.record_time <= {when}::timestamptz" if reach.dated else ""
    uses_of_starts = (
        f"SELECT e.product_id, e.cacao_batch_id, {grams('e')}"
        f" FROM unnest({starts}::bigint[]) s (id)"
        f" JOIN product_cacao_batch e ON e.product_id = s.id{dated}"
    )
    uses_of_lots = (
        f"SELECT x.product_id, x.cacao_batch_id, x.g FROM read r CROSS JOIN LATERAL (SELECT"
        f" e.product_id, e.cacao_batch_id, {grams('e')} AS g FROM product_cacao_batch e"
        f" WHERE e.cacao_batch_id = r.id{dated} OFFSET 0) x"
    )
    none = "SELECT NULL::int, NULL::int, NULL::bigint WHERE false"
    uses = uses_of_starts if reach.from_products else none if reach.back else uses_of_lots
    seeds = (
        "SELECT u.l, 1 FROM uses u"
        if reach.from_products
        else f"SELECT s.id::int, 0 FROM unnest({starts}::bigint[]) s (id)"
        " JOIN cacao_batches b ON b.cacao_batch_id = s.id"
    )
    first = f"uses (p, l, g) AS MATERIALIZED ({uses}), " if reach.from_products else ""
    last = "" if reach.from_products else f", uses (p, l, g) AS MATERIALIZED ({uses})"
    # OFFSET 0 keeps each step a look-up by index, however large PostgreSQL believes a step to be.
    return f"""(WITH RECURSIVE {first}reach (id, d) AS ({seeds} UNION
 SELECT x.far, r.d + {step}::int FROM reach r CROSS JOIN LATERAL (
  SELECT e.{far} AS far FROM cacao_batch_input e WHERE e.{near} = r.id{dated} OFFSET 0) x
 WHERE r.d < {most}::int),
read (id) AS MATERIALIZED (SELECT DISTINCT c.id FROM (SELECT id FROM reach LIMIT {limit}::bigint) c),
flows (n, f, g) AS MATERIALIZED (SELECT r.id, x.f, x.g FROM read r CROSS JOIN LATERAL (
  SELECT array_agg(e.{far}) AS f, array_agg({grams("e")}) AS g FROM cacao_batch_input e
  WHERE e.{near} = r.id{dated}) x WHERE x.f IS NOT NULL){last}
SELECT json_build_object({_columns(reach, starts)}))"""


def _columns(reach: Reach, starts: str) -> str:
    """Return what is read, column by column: arrays of numbers are read faster than objects."""
    parts = {
        "read": "(SELECT array_agg(id) FROM read)",
        "near": "(SELECT array_agg(n) FROM flows)",
        "far": "(SELECT json_agg(f) FROM flows)",
        "grams": "(SELECT json_agg(g) FROM flows)",
        "product": "(SELECT array_agg(p) FROM uses)",
        "lot": "(SELECT array_agg(l) FROM uses)",
        "took": "(SELECT array_agg(g) FROM uses)",
    }
    if not reach.from_products:
        parts["held"] = (
            "(SELECT json_object_agg(b.cacao_batch_id, (b.quantity * 1000)::bigint)"
            f" FROM cacao_batches b WHERE b.cacao_batch_id = ANY ({starts}::bigint[]))"
        )
    if reach.staged:
        parts["stages"] = (
            "(SELECT json_object_agg(b.cacao_batch_id, b.stage) FROM read r"
            " JOIN cacao_batches b ON b.cacao_batch_id = r.id)"
        )
    if reach.blended:
        parts["blends"] = (
            "(SELECT json_object_agg(o.id, x.g) FROM (SELECT DISTINCT unnest(f) FROM flows) o (id)"
            f" CROSS JOIN LATERAL (SELECT sum({grams('e')}) AS g FROM cacao_batch_input e"
            " WHERE e.output_batch_id = o.id OFFSET 0) x)"
        )
        parts["makers"] = (
            "(SELECT json_object_agg(q.product_id, q.manufacturer_id)"
            " FROM (SELECT DISTINCT p FROM uses) u (p) JOIN products q ON q.product_id = u.p)"
        )
    if reach.sold:
        named = [
            f"SELECT x.at, {subject} AS product, x.who FROM ({found}) o (id) CROSS JOIN LATERAL"
            f" (SELECT min(t.transaction_id) AS at, {CUSTOMER} AS who FROM transactions t"
            f" WHERE t.{key} = o.id AND t.details IS NOT NULL GROUP BY 2 OFFSET 0) x"
            for subject, key, found in (
                ("o.id", "product_id", "SELECT DISTINCT p FROM uses"),
                ("NULL", "cacao_batch_id", "SELECT id FROM read"),
            )
        ]
        parts["customers"] = (
            "(SELECT json_agg(json_build_array(c.at, c.product, c.who) ORDER BY c.at)"
            f" FROM ({' UNION ALL '.join(named)}) c WHERE btrim(c.who) <> '')"
        )
    return ", ".join(f"'{name}', {value}" for name, value in parts.items())


def grams(alias: str) -> str:
    return f"({alias}.quantity_kg * 1000)::bigint"
