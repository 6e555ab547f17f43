"""The sample's suppliers with their certificates, and the makers: rows for COPY, nothing stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from models.sample_data.calendar import FIRST, LAST_DAY
from models.sample_data.load import escape, optional_text
from models.sample_data.names import (
    HUBS,
    UniqueNames,
    name_cooperative,
    name_employee,
    name_exporter,
    name_farm,
    name_person,
    name_processor,
)
from models.sample_data.places import INDEX, ORIGINS, Place

CERTIFICATION_SCHEMES = (None, "Rainforest Alliance", "Fairtrade", "Organic", "Fair for Life")
SCHEME_WEIGHTS = {"bulk": (38, 33, 22, 4, 3), "fine": (32, 12, 18, 30, 8)}
SCHEME_YEARS = (0, 3, 3, 1, 1)
SCHEME_NUMBERS = (
    "",
    "RA-{country}-{number:07}",
    "FLO {number}",
    "{country}-BIO-{number:06}",
    "FFL-{number:06}",
)
BULK_ORIGINS = frozenset(("CI", "GH", "CM", "NG", "ID", "BR"))
BLEND = -1


@dataclass(frozen=True, slots=True)
class SampleSupplier:
    """A supplier to be: `origin` indexes ORIGINS (BLEND: grows nothing), `scheme` SCHEMES."""

    name: str
    location: str
    contact_person: str | None
    country: str
    external_id: str | None
    role: str
    origin: int = BLEND
    place: Place | None = None
    scheme: int = 0


def supplier_place(country: str, town: str) -> Place:
    return next(p for p in ORIGINS[INDEX[country]].places if p.town == town)


def grower(
    name: str, contact: str, country: str, town: str, role: str, scheme: int, external_id: str
) -> SampleSupplier:
    place = supplier_place(country, town)
    origin = INDEX[country]
    return SampleSupplier(
        name, place.location, contact, country, external_id, role, origin, place, scheme
    )


# The first suppliers are the ones that the examples of the documentation use.
_SHOWCASE = (
    grower("SCOOPS Anouanzê de Soubré", "Adjoua N'Guessan", "CI", "Soubré", "cooperative", 2,
           "CI-COOP-000001"),
    grower("Kuapa Nkabom Farmers Union", "Akosua Boateng", "GH", "Sefwi Wiawso", "cooperative", 2,
           "GH-COOP-000002"),
    grower("Plantation Rasoanaivo", "Hery Rasoanaivo", "MG", "Ambanja", "farm", 3,
           "MG-FARM-000003"),
    grower("Asociación de Productores La Pepa de Oro", "José Zambrano", "EC", "Vinces",
           "cooperative", 2, "EC-COOP-000004"),
    SampleSupplier("Baobab Négoce", "San-Pédro, Bas-Sassandra", "Mariam Diarra", "CI",
                   "CI-EXP-000005", "exporter"),
    SampleSupplier("Haanstra Cacao B.V.", "Amsterdam, Noord-Holland", "Maaike Dekker", "NL",
                   "NL-PROC-000006", "processor"),
    SampleSupplier("Ébrié Broyage SA", "Abidjan, Abidjan", "Koffi Kouamé", "CI",
                   "CI-PROC-000007", "processor"),
    SampleSupplier("Claeys Couverture NV", "Antwerpen, Antwerpen", "Griet Vandamme", "BE",
                   "BE-PROC-000008", "processor"),
)  # fmt: skip
FEWEST_SUPPLIERS = 24


def plan_roles(rng: Random, count: int) -> list[str]:
    """Roles in a mixed order: 4 % process, 3 % export, the others grow."""
    processors, exporters = max(2, count // 25), max(2, count * 3 // 100)
    farms = (count - processors - exporters) // 4
    roles = ["processor"] * processors + ["exporter"] * exporters + ["farm"] * farms
    roles += ["cooperative"] * (count - len(roles))
    rng.shuffle(roles)
    return roles


def spread_origins(count: int) -> Iterator[int]:
    """Indexes of ORIGINS, each as often as its weight says, also among the first few."""
    weights = [origin.weight for origin in ORIGINS]
    given = [0.5] * len(weights)
    for _ in range(count):
        best = max(range(len(weights)), key=lambda k: weights[k] / given[k])
        given[best] += 1
        yield best


def make_suppliers(rng: Random, count: int) -> list[SampleSupplier]:
    """`count` suppliers, unlike in (name, location); the first are SHOWCASE."""
    names = UniqueNames()
    for one in _SHOWCASE:
        names.claim(one.name, one.location)
    suppliers = list(_SHOWCASE)
    origins = spread_origins(count)
    for role in plan_roles(rng, count - len(_SHOWCASE)):
        number = len(suppliers) + 1
        if role == "processor":
            suppliers.append(make_processor(rng, names, number))
        elif role == "exporter":
            suppliers.append(make_exporter(rng, names, number))
        else:
            suppliers.append(make_grower(rng, names, number, role, next(origins)))
    return suppliers


def make_grower(
    rng: Random, names: UniqueNames, number: int, role: str, index: int
) -> SampleSupplier:
    origin = ORIGINS[index]
    place = rng.choice(origin.places)
    if role == "farm":
        raw, code = name_farm(rng, origin.language), "FARM"
    else:
        raw, code = name_cooperative(rng, origin.language, place.town), "COOP"
    weights = SCHEME_WEIGHTS["bulk" if origin.country in BULK_ORIGINS else "fine"]
    return SampleSupplier(
        name=names.claim(raw, place.location),
        location=place.location,
        contact_person=name_person(rng, origin.language),
        country=origin.country,
        external_id=identify(rng, origin.country, code, number),
        role=role,
        origin=index,
        place=place,
        scheme=rng.choices(range(len(CERTIFICATION_SCHEMES)), weights)[0],
    )


def make_exporter(rng: Random, names: UniqueNames, number: int) -> SampleSupplier:
    origin = rng.choices(ORIGINS, [origin.weight for origin in ORIGINS])[0]
    location = f"{origin.port}, {origin.name}"
    return SampleSupplier(
        name=names.claim(name_exporter(rng, origin.port), location),
        location=location,
        contact_person=name_person(rng, origin.language),
        country=origin.country,
        external_id=identify(rng, origin.country, "EXP", number),
        role="exporter",
    )


def make_processor(rng: Random, names: UniqueNames, number: int) -> SampleSupplier:
    country, town, region = rng.choice(HUBS)
    location = f"{town}, {region}"
    return SampleSupplier(
        name=names.claim(name_processor(rng, country), location),
        location=location,
        contact_person=name_employee(rng, country),
        country=country,
        external_id=identify(rng, country, "PROC", number),
        role="processor",
    )


def identify(rng: Random, country: str, code: str, number: int) -> str | None:
    """Return an id of the system that the supplier was imported from; a few never had one."""
    return f"{country}-{code}-{number:06}" if rng.random() < 0.95 else None


def write_suppliers(suppliers: list[SampleSupplier]) -> Iterator[str]:
    for number, one in enumerate(suppliers, 1):
        yield (
            f"{number}\t{escape(one.name)}\t{escape(one.location)}\t"
            f"{optional_text(one.contact_person)}\t{one.country}\t{optional_text(one.external_id)}\n"
        )


def write_certificates(rng: Random, suppliers: list[SampleSupplier]) -> Iterator[str]:
    """Certificate after certificate of every scheme held, without a gap over the sample's days."""
    last = FIRST + timedelta(days=LAST_DAY)
    row = 0
    for number, one in enumerate(suppliers, 1):
        grows = one.role in ("cooperative", "farm")
        for scheme in (one.scheme,) if grows else range(1, len(CERTIFICATION_SCHEMES)):
            if scheme == 0:
                continue
            scope = "cocoa beans" if grows else "trade and processing of cocoa"
            start = FIRST - timedelta(days=rng.randrange(10, 300))
            while start <= last:
                row += 1
                end = start.replace(year=start.year + SCHEME_YEARS[scheme]) - timedelta(days=1)
                serial = SCHEME_NUMBERS[scheme].format(country=one.country, number=100_000 + row)
                yield f"{row}\t{number}\t{CERTIFICATION_SCHEMES[scheme]}\t{serial}\t{scope}\t{start}\t{end}\n"
                start = end + timedelta(days=1)
