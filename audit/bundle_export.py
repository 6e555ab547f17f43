"""Export of a product's bundle: its events and those of its lots, proven.

A bundle is one signed note whose text is one canonical JSON document; all proofs refer to one checkpoint. A
bundle is never exported with a truncated trace or with an event that no signed checkpoint covers. Each bundle
is verified as its recipient would, so that wrong leaves, proofs or checkpoints of the database never leave
it.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from ledger.integrator import integrate
from ledger.leaf import canonical_bytes
from ledger.log_config import LogConfig
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
# Two index look-ups, since an OR of both would scan the whole table.
_EVENTS = """
select json_build_object('transactionId', t.transaction_id, 'sequence', e.sequence,
  'productId', t.product_id, 'cacaoBatchId', t.cacao_batch_id, 'leaf', convert_from(e.leaf, 'UTF8'),
  'hashes', ledger_texts(ledger_inclusion(e.sequence, %(size)s)))
from (select * from transactions where product_id = %(product)s
      union all select * from transactions where cacao_batch_id = any (%(lots)s)) t
left join ledger_entries e using (transaction_id) order by e.sequence, t.transaction_id"""


class CannotExport(Exception):
    """The product does not exist, or its events cannot be proven now."""


def export_bundle(database: Database, log_config: LogConfig, product: int) -> str:
    """Return the signed bundle of a product.

    Raises CannotExport, Forked or UnusableKey.
    """
    signer = log_config.signer()
    if signer is None:
        raise UnusableKey("it is not set; a bundle must be signed")
    _integrate(database, log_config)
    with _snapshot(database) as cursor:
        bundle = _bundle(cursor, product)
    content = sign_bundle(bundle, signer)
    _verify(bundle, content, signer.key)
    return content


def _verify(bundle: Mapping[str, Any], content: str, key: VerifierKey) -> None:
    """Verify a bundle as its recipient does; raises CannotExport."""
    if not bundle["events"]:
        raise CannotExport("the product and its lots have no events: there is nothing to prove")
    try:
        open_checkpoint(bundle["checkpoint"], key)
    except NotVerified as error:
        raise CannotExport(
            f"LEDGER_KEY does not verify the newest checkpoint: {error}; after a change of keys, export again"
            " once a later event is signed; otherwise run `audit verify`"
        ) from None
    try:
        verify_bundle(content.encode(), key)
    except NotVerified as error:
        raise CannotExport(f"the bundle does not verify: {error}; run `audit verify`") from None


def sign_bundle(bundle: Mapping[str, Any], signer: Signer) -> str:
    """Return the signed note of a bundle."""
    return signer.sign(canonical_bytes(bundle).decode() + "\n")


def _integrate(database: Database, log_config: LogConfig) -> None:
    """Integrate waiting events, so that the bundle has all events.

    Waits while another integrator is running.
    """
    deadline = time.monotonic() + INTEGRATION_SECONDS
    while integrate(database, log_config) is None:
        if time.monotonic() > deadline:
            raise CannotExport(
                f"another process has been integrating events for {INTEGRATION_SECONDS:g} s; try again later"
            )
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
        raise CannotExport(f"product {product} does not exist")
    cursor.execute(CHECKPOINT)
    note, size = cursor.fetchone() or ("", 0)
    if not size:
        raise CannotExport("the ledger has no checkpoint")
    network = _network(cursor, product)
    asked = Asked(product, of_product=True, back=True)
    traced, sources = trace(network, asked), origins(network, asked)
    if traced.facts["truncated"]:
        raise CannotExport("the trace exceeds the limit of lots")
    lots = _listed(traced, "lots")
    arguments = {"product": product, "size": size, "lots": [lot["cacaoBatch"] for lot in lots]}
    depths = {lot["cacaoBatch"]: lot["depth"] for lot in lots}
    events = _objects(cursor, _EVENTS, arguments)
    for event in events:
        if event["hashes"] is None:
            raise CannotExport(f"no signed checkpoint covers event {event['transactionId']} yet")
    return {
        "format": FORMAT,
        "checkpoint": note,
        "product": found[0],
        "trace": {
            "lots": [
                {**lot, "depth": depths[lot["cacaoBatchId"]]}
                for lot in _objects(cursor, _LOTS, arguments)
            ],
            "flows": _listed(traced, "flows"),
            "origins": [_renamed(origin) for origin in _listed(sources, "origins")],
        },
        "certificates": _objects(cursor, CERTIFICATES, arguments),
        "events": events,
    }


def _network(cursor: cursor_type, product: int) -> Network:
    statement = Statement(*statement_of([_BACK]))
    values = edge_arguments(_BACK, [product], None, None)
    bound = {f"p{place}": value for place, value in enumerate(values, start=1)}
    cursor.execute(statement.unprepared, bound)
    (text,) = cursor.fetchone() or ("[{}]",)
    return Network.of(json.loads(text)[0])


def _objects(cursor: cursor_type, query: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    cursor.execute(query, arguments)
    return [found for (found,) in cursor.fetchall()]


def _listed(answer: LineageResult, name: str) -> list[dict[str, Any]]:
    listed = answer.listings[name]()
    keys: Sequence[tuple[int, ...]] = listed.keys
    return [dict(listed.show(key)) for key in keys]


def _renamed(origin: dict[str, Any]) -> dict[str, Any]:
    return {"cacaoBatchId": origin.pop("cacaoBatch"), **origin}
