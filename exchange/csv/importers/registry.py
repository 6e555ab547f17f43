"""The importers, by their name on the command line."""

from exchange.csv.importers.cacao_batches import CACAO_BATCH_IMPORTER
from exchange.csv.importers.manufacturers import MANUFACTURER_IMPORTER
from exchange.csv.importers.products import PRODUCT_IMPORTER
from exchange.csv.importers.suppliers import SUPPLIER_IMPORTER
from exchange.csv.importers.transactions import TRANSACTION_IMPORTER
from exchange.csv.importers.uses import USE_IMPORTER

IMPORTERS = {
    importer.name: importer
    for importer in (
        MANUFACTURER_IMPORTER,
        SUPPLIER_IMPORTER,
        CACAO_BATCH_IMPORTER,
        PRODUCT_IMPORTER,
        USE_IMPORTER,
        TRANSACTION_IMPORTER,
    )
}
