"""A bundle of one product: its events and those of all lots behind it, with proofs against one checkpoint.

The file is one signed note whose text is one canonical JSON document. Refuses a product that is not there,
a trace that is not whole, and events that no signed checkpoint covers. Every bundle is verified, as its reader
would, before it is handed out: what the database says of leaves, proofs and checkpoints is not believed.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from ledger.integrator import LogConfig, integrate
from ledger.leaf import canonical
from ledger.signed_note import Signer, UnusableKey
from ledger.verifier import FORMAT, NotVerified, VerifierKey, open_checkpoint, verify_bundle
from models.database.asynchronous import Statement
from models.database.engines import Database
from models.lineage.answers import Asked, origins, trace
from models.lineage.network import Network
from models.lineage.pages import LineageResult
from models.lineage.reach import Reach, edge_arguments, statement_of

INTEGRATION_SECONDS, _LOOK_SECONDS = 10.0, 0.2
_BACK = Reach(back=True, from_products=True)
_PRODUCT = """
select json_build_object('productId', p.product_id, 'name', p.name, 'gtin', p.gtin,
  'batchNumber', p.batch_number, 'productionDate', p.production_date,
  'cocoaPercent', round(p.cocoa_percent, 1)::text, 'manufacturer', case when m.manufacturer_id is not null then
    json_build_object('manufacturerId', m.manufacturer_id, 'name', m.name, 'location', m.location,
      'country', m.country) end)
from products p left join manufacturers m using (manufacturer_id) where p.product_id = %(product)s"""
_LOTS = """
select json_build_object('cacaoBatchId', b.cacao_batch_id, 'lotNumber', b.lot_number, 'stage', b.stage,
  'harvestDate', b.harvest_date, 'productionDate', b.production_date, 'quantityKg', round(b.quantity, 3)::text,
  'certification', b.certification, 'custody', b.custody, 'supplier', case when s.supplier_id is not null then
    json_build_object('supplierId', s.supplier_id, 'name', s.name, 'location', s.location, 'country', s.country) end)
from cacao_batches b left join suppliers s using (supplier_id)
where b.cacao_batch_id = any (%(lots)s) order by b.cacao_batch_id"""
CERTIFICATES = """
select json_build_object('certificateId', c.certificate_id, 'supplierId', c.supplier_id, 'scheme', c.scheme,
  'number', c.number, 'scope', c.scope, 'validFrom', c.valid_from, 'validTo', c.valid_to,
  'holder', c.holder, 'documentHash', c.document_hash)
from certificates c where c.supplier_id in (
  select supplier_id from cacao_batches where cacao_batch_id = any (%(lots)s)) order by c.certificate_id"""
CHECKPOINT = "select note, size from ledger_checkpoints order by size desc limit 1"
# Two look-ups by index; an OR of both would read the whole table.
_EVENTS = """
select json_build_object('transactionId', t.transaction_id, 'sequence', e.sequence,
  'productId', t.product_id, 'cacaoBatchId', t.cacao_batch_id, 'leaf', convert_from(e.leaf, 'UTF8'),
  'hashes', ledger_texts(ledger_inclusion(e.sequence, %(size)s)))
from (select * from transactions where product_id = %(product)s
      union all select * from transactions where cacao_batch_id = any (%(lots)s)) t
left join ledger_entries e using (transaction_id) order by e.sequence, t.transaction_id"""


class CannotExport(Exception):
    """There is no such product, or its events cannot be proven now."""


def export(database: Database, log_config: LogConfig, product: int) -> str:
    """Return the bundle of a product; raises CannotExport, Forked, UnusableKey."""
    signer = log_config.signer()
    if signer is None:
        raise UnusableKey("it is not set: a bundle is signed")
    _integrate(database, log_config)
    with _snapshot(database) as cursor:
        bundle = _bundle(cursor, product)
    content = write(bundle, signer)
    _verify(bundle, content, signer.key)
    return content


def _verify(bundle: Mapping[str, Any], content: str, key: VerifierKey) -> None:
    """Check a bundle as its reader will; raises CannotExport."""
    if not bundle["events"]:
        raise CannotExport("the product and its lots have no event: there is nothing to prove")
    try:
        open_checkpoint(bundle["checkpoint"], key)
    except NotVerified as error:
        raise CannotExport(
            f"the newest checkpoint of the ledger does not open with LEDGER_KEY: {error}; after a change of"
            " keys a bundle can be exported once a later event is signed, else run `audit verify`"
        ) from None
    try:
        verify_bundle(content.encode(), key)
    except NotVerified as error:
        raise CannotExport(f"the bundle does not verify: {error}; run `audit verify`") from None


def write(bundle: Mapping[str, Any], signer: Signer) -> str:
    """Return the signed note of a bundle."""
    return signer.sign(canonical(bundle).decode() + "\n")


def _integrate(database: Database, log_config: LogConfig) -> None:
    """So that no event of the product is left out; a server may be at it."""
    deadline = time.monotonic() + INTEGRATION_SECONDS
    while integrate(database, log_config) is None:
        if time.monotonic() > deadline:
            raise CannotExport("another process integrates events, and does not come to an end")
        time.sleep(_LOOK_SECONDS)


@contextmanager
def _snapshot(database: Database) -> Iterator[cursor_type]:
    pooled = database.engine().raw_connection()
    connection = cast("connection_type", pooled.driver_connection)
    try:
        with connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
            yield cursor
    finally:
        connection.rollback()
        pooled.close()


def _bundle(cursor: cursor_type, product: int) -> dict[str, Any]:
    found = _objects(cursor, _PRODUCT, {"product": product}) if 0 < product < 2**31 else []
    if not found:
        raise CannotExport(f"there is no product {product}")
    cursor.execute(CHECKPOINT)
    note, size = cursor.fetchone() or ("", 0)
    if not size:
        raise CannotExport("the ledger has no checkpoint: there are no events")
    network = _network(cursor, product)
    asked = Asked(product, of_product=True, back=True)
    traced, sources = trace(network, asked), origins(network, asked)
    if traced.facts["truncated"]:
        raise CannotExport("the trace has more lots than are read")
    lots = _listed(traced, "lots")
    given = {"product": product, "size": size, "lots": [lot["cacaoBatch"] for lot in lots]}
    depths = {lot["cacaoBatch"]: lot["depth"] for lot in lots}
    events = _objects(cursor, _EVENTS, given)
    for event in events:
        if event["hashes"] is None:
            raise CannotExport(f"event {event['transactionId']} is in no signed checkpoint yet")
    return {
        "format": FORMAT,
        "checkpoint": note,
        "product": found[0],
        "trace": {
            "lots": [
                {**lot, "depth": depths[lot["cacaoBatchId"]]}
                for lot in _objects(cursor, _LOTS, given)
            ],
            "flows": _listed(traced, "flows"),
            "origins": [_renamed(origin) for origin in _listed(sources, "origins")],
        },
        "certificates": _objects(cursor, CERTIFICATES, given),
        "events": events,
    }


def _network(cursor: cursor_type, product: int) -> Network:
    statement = Statement(*statement_of([_BACK]))
    values = edge_arguments(_BACK, [product], None, None)
    bound = {f"p{place}": value for place, value in enumerate(values, start=1)}
    cursor.execute(statement.unprepared, bound)
    (text,) = cursor.fetchone() or ("[{}]",)
    return Network.of(json.loads(text)[0])


def _objects(cursor: cursor_type, query: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    cursor.execute(query, given)
    return [found for (found,) in cursor.fetchall()]


def _listed(answer: LineageResult, name: str) -> list[dict[str, Any]]:
    listed = answer.listings[name]()
    keys: Sequence[tuple[int, ...]] = listed.keys
    return [dict(listed.show(key)) for key in keys]


def _renamed(origin: dict[str, Any]) -> dict[str, Any]:
    return {"cacaoBatchId": origin.pop("cacaoBatch"), **origin}
