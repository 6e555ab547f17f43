"""DueDiligenceStatement: the reference number under which a lot may be sold."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection
from graph.types.node import Node, connection, field, node
from graph.types.scalar import Date

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch
    from graph.types.product import Product


@node(
    models.DueDiligenceStatement,
    "A due diligence statement in the EU's information system (EUDR, Articles 4 and 33).",
)
class DueDiligenceStatement(Node):
    statement_id: int = field("Number of the statement in this database.")
    reference_number: str = field("Reference number the information system gave it.")
    verification_number: str | None = field("Verification number that goes with it.")
    submitted_on: Date = field("Day of submission.")
    products: Connection[Annotated["Product", strawberry.lazy("graph.types.product")]] = connection(
        "Products it covers.", of="Product"
    )
    cacao_batches: Connection[
        Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")]
    ] = connection("Cacao batches it covers.", of="CacaoBatch")
