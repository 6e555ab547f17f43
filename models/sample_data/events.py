"""The sample's transactions: all first events, then all second ones, and so on.

Those of one product lie apart on disk, as they do in life.
"""

from collections.abc import Iterator
from itertools import chain
from random import Random

from models.lot import STAGES
from models.sample_data.calendar import DAYS, TEXTS, write_clock
from models.sample_data.lots import BEANS, NONE, Lots, kilograms
from models.sample_data.manufacturers import SampleManufacturer
from models.sample_data.parties import SampleSupplier
from models.sample_data.products import Products

# What happens to a product, and within which days of its production: none overlaps another.
PRODUCT_EVENTS = (
    ("produced", 0, 0), ("quality_checked", 1, 2), ("shipped", 3, 9), ("received", 11, 40),
)  # fmt: skip
FIRST_EVENT_SHARE, SECOND_EVENT_SHARE = 0.6, 0.35
EVENT_IDS = 0.25
WAREHOUSES = (
    ("Rotterdam", "NL"), ("Hamburg", "DE"), ("Antwerpen", "BE"), ("Le Havre", "FR"), ("Basel", "CH"),
    ("Milano", "IT"), ("Barcelona", "ES"), ("Wien", "AT"), ("Göteborg", "SE"), ("København", "DK"),
    ("Łódź", "PL"), ("London", "GB"), ("New Jersey", "US"), ("Toronto", "CA"), ("Yokohama", "JP"),
    ("Quito", "EC"), ("Accra", "GH"), ("São Paulo", "BR"), ("Sydney", "AU"), ("Dubai", "AE"),
)  # fmt: skip


def count_events(lots: int, products: int) -> int:
    """About how many rows there will be."""
    return int(lots * (FIRST_EVENT_SHARE + SECOND_EVENT_SHARE)) + len(PRODUCT_EVENTS) * products


def write_events(
    rng: Random,
    lots: Lots,
    suppliers: list[SampleSupplier],
    products: Products,
    makers: list[SampleManufacturer],
) -> Iterator[str]:
    steps = range(len(PRODUCT_EVENTS))
    lines = chain(
        write_batch_events(rng, lots, suppliers, second=False),
        write_batch_events(rng, lots, suppliers, second=True),
        *(write_product_events(rng, products, makers, step) for step in steps),
    )
    for row, line in enumerate(lines, 1):
        yield f"{row}\t{line}"


def write_event(subject: str, event: str, day: int, bits: int, details: str) -> str:
    """Return a row without its id: work hours, recorded up to half an hour later, one in four with a URN."""
    at = 21_600 + bits % 50_400
    recorded = at + 60 + (bits >> 16) % 1740
    urn = write_urn(bits) if (bits >> 32) % 100 < 100 * EVENT_IDS else r"\N"
    return (
        f"{subject}\t{TEXTS[day]} {write_clock(at)}\t{event}\t{details}\t{urn}\t"
        f"{TEXTS[day]} {write_clock(recorded)}\n"
    )


def write_urn(bits: int) -> str:
    """Return a version 4 UUID (RFC 9562, 5.4) of the bits above those that the row is made of."""
    text = f"{bits >> 64:032x}"
    return f"urn:uuid:{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def write_product_events(
    rng: Random, products: Products, makers: list[SampleManufacturer], step: int
) -> Iterator[str]:
    event, first, last = PRODUCT_EVENTS[step]
    write_details = (write_produced, write_checked, write_shipped, write_received)[step]
    for product in range(1, len(products) + 1):
        bits = rng.getrandbits(192)
        day = products.day[product] + first + (bits >> 40) % (last - first + 1)
        details = write_details(makers[products.maker(product) - 1], bits >> 20, product)
        yield write_event(f"{product}\t\\N", event, day, bits, details)


def write_produced(maker: SampleManufacturer, bits: int, product: int) -> str:
    return (
        f'{{"place": "{maker.location}", "operator": "OP-{bits % 400:04}", "line": {bits % 7 + 1}, '
        f'"temperature_c": {28 + bits % 50 / 10:.1f}, "document": "PO-{product:07}"}}'
    )


def write_checked(maker: SampleManufacturer, bits: int, product: int) -> str:
    return (
        f'{{"place": "{maker.location}", "inspector": "QA-{bits % 90:03}", "result": "passed", '
        f'"measurements": {{"moisture_percent": {0.5 + bits % 60 / 100:.2f}, '
        f'"particle_um": {16 + bits % 9}, "temperature_c": {17 + bits % 40 / 10:.1f}}}, '
        f'"document": "QC-{product:07}"}}'
    )


def write_shipped(maker: SampleManufacturer, bits: int, product: int) -> str:
    town, country = WAREHOUSES[bits % len(WAREHOUSES)]
    return (
        f'{{"place": "{maker.location}", "destination": {{"place": "{town}", '
        f'"country": "{country}"}}, "document": {{"type": "CMR", "number": "CMR-{product:07}"}}, '
        f'"temperature_c": {14 + bits % 40 / 10:.1f}, "pallets": {bits % 12 + 1}}}'
    )


def write_received(_maker: SampleManufacturer, bits: int, product: int) -> str:
    town, country = WAREHOUSES[bits % len(WAREHOUSES)]
    return (
        f'{{"place": "{town}", "country": "{country}", "operator": "WH-{bits % 700:04}", '
        f'"temperature_c": {13 + bits % 60 / 10:.1f}, "document": "GRN-{product:07}"}}'
    )


def write_batch_events(
    rng: Random, lots: Lots, suppliers: list[SampleSupplier], *, second: bool
) -> Iterator[str]:
    """For a share of the lots, and always for the first: harvested or processed, then received."""
    share = SECOND_EVENT_SHARE if second else FIRST_EVENT_SHARE
    for lot in range(1, len(lots) + 1):
        if rng.random() >= share and lot > 16:
            continue
        bits = rng.getrandbits(192)
        harvested = lots.stage[lot] == BEANS and lots.production[lot] == NONE
        if second:
            event = "received" if harvested else "quality_checked"
        else:
            event = "harvested" if harvested else "processed"
        day = lots.day(lot) + second
        supplier = suppliers[lots.supplier[lot] - 1]
        yield write_event(
            f"\\N\t{lot}", event, day, bits, write_batch_details(lots, lot, supplier, bits >> 20)
        )


def write_batch_details(lots: Lots, lot: int, supplier: SampleSupplier, bits: int) -> str:
    return (
        f'{{"place": "{supplier.location}", "country": "{supplier.country}", '
        f'"operator": "OP-{bits % 400:04}", "stage": "{STAGES[lots.stage[lot]]}", '
        f'"weight": {{"net_kg": {kilograms(lots.grams[lot])}, "bags": {lots.grams[lot] // 65_000 + 1}}}, '
        f'"moisture_percent": {5.8 + bits % 17 / 10:.1f}, "document": "WB-{DAYS[lots.day(lot)]:%y}-{lot:06}"}}'
    )
