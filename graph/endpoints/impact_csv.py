"""GET /trace/{batch}/impact.csv: what a recall of a batch has to reach, for a spreadsheet.

A GraphQL request in, RFC 4180 out, so that permissions and limits are those of the fields. No text of
the data is computed or rewritten by a spreadsheet.
"""

import csv
import json
from collections.abc import Iterator
from functools import partial
from io import StringIO
from typing import Any

from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from exchange.csv.spreadsheet import escape_cell
from graph.answer import Answer, Request
from graph.auth.authentication import RequestAuthenticator
from graph.endpoints.rest import error_response, failure, viewer_of
from graph.execution.engine import Engine
from graph.pagination import MAX_LISTING_SIZE, write_global_id

IMPACT = """query Impact($id: ID!, $first: Int!, $after: String) {
  cacaoBatch(by: {id: $id}) { cacaoBatchId impact { affected lotCount truncated
    customers(first: $first) { nodes { name ofLots } }
    products(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes {
      depth quantityKg customers product {
        productId name gtin batchNumber productionDate manufacturer { name location country } } } } } } }"""
# Bytes of an answer that cost 1 to write as CSV.
_BYTES = 1_000
_COLUMNS = (
    *("finding", "product_id", "name", "gtin", "batch_number", "production_date"),
    *("manufacturer", "location", "country", "steps", "quantity_kg", "customers"),
)
# RFC 4180, section 3; the mark tells spreadsheets that this is UTF-8.
MEDIA_TYPE, BYTE_ORDER_MARK = "text/csv; charset=utf-8; header=present", "\ufeff"


def routes(engine: Engine, authenticator: RequestAuthenticator) -> list[BaseRoute]:
    async def impact(http: HTTPRequest) -> Response:
        return await impact_as_csv(engine, authenticator, http)

    return [Route("/trace/{batch}/impact.csv", impact, methods=["GET"])]


async def impact_as_csv(
    engine: Engine, authenticator: RequestAuthenticator, http: HTTPRequest
) -> Response:
    """Return the products that a batch reached, by its number or its global id."""
    id_ = batch_id(http.path_params["batch"])
    viewer = await viewer_of(authenticator, http)
    if isinstance(viewer, Answer):
        return failure(viewer)
    pages: list[dict[str, Any]] = []
    size, after = 0, None
    while True:
        variables = {"id": id_, "first": MAX_LISTING_SIZE, "after": after}
        answer = await engine.answer(Request(IMPACT, variables), viewer)
        if answer.through is None:
            return failure(answer)
        length = len(answer.through)
        found = await engine.compute(
            viewer, partial(json.loads, answer.through), length, length // _BYTES
        )
        if isinstance(found, Answer):
            return failure(found)
        batch = found["cacaoBatch"]
        if batch is None:
            return error_response("there is no such cacao batch", 404)
        pages.append(batch["impact"])
        size += length
        page = batch["impact"]["products"]["pageInfo"]
        if not page["hasNextPage"]:
            break
        after = page["endCursor"]
    written = await engine.compute(viewer, partial(_write_rows, pages), size, 0)
    if isinstance(written, Answer):
        return failure(written)
    headers = {
        "Content-Disposition": f'attachment; filename="impact-{batch["cacaoBatchId"]}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(written, media_type=MEDIA_TYPE, headers=headers)


def batch_id(given: str) -> str:
    """Return a batch's global id, of its number or itself."""
    is_number = given.isascii() and given.isdigit() and len(given) < 10
    return write_global_id("CacaoBatch", int(given)) if is_number else given


def _write_rows(pages: list[dict[str, Any]]) -> str:
    """CSV of the pages of an impact; where no product was reached, one row says what was."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    blank = [""] * (len(_COLUMNS) - 1)
    incomplete = pages[0]["truncated"]
    if incomplete:
        writer.writerow(
            ["incomplete: more was made from it than is read; what follows is a part", *blank]
        )
    products = [node for page in pages for node in page["products"]["nodes"]]
    if not products and not incomplete:
        lots = pages[0]["lotCount"]
        writer.writerow(
            [
                f"no product; lots made from it: {lots}" if lots else "nothing was made from it",
                *blank,
            ]
        )
    writer.writerows(row(node) for node in products)
    for customer in pages[0]["customers"]["nodes"]:
        if customer["ofLots"]:
            writer.writerow(["customer of a lot", *blank[1:], escape_cell(customer["name"])])
    return BYTE_ORDER_MARK + text.getvalue()


def row(node: dict[str, Any]) -> Iterator[Any]:
    """Yield the cells of one product."""
    product = node["product"]
    maker = product["manufacturer"] or {}
    yield "product"
    yield product["productId"]
    yield escape_cell(product["name"])
    yield escape_cell(product["gtin"])
    yield escape_cell(product["batchNumber"])
    yield product["productionDate"]
    for name in ("name", "location", "country"):
        yield escape_cell(maker.get(name))
    yield node["depth"]
    yield node["quantityKg"]
    yield escape_cell("; ".join(node["customers"]))
