import pytest

from exchange.csv.columns.plan import Columns, normalize_header, plan_columns
from exchange.csv.errors import BadOptions
from exchange.csv.importers.registry import IMPORTERS
from exchange.csv.rejections import RowError


def plan(kind: str, header: str, mapping: str = "", constants: str = "") -> Columns:
    return plan_columns(IMPORTERS[kind], header.split("|"), _pairs(mapping), _pairs(constants))


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split("|") if pair)


@pytest.mark.parametrize("name", ["lot_number", " Lot Number ", "LOT-NUMBER", "lot\nnumber"])
def test_dirty_headers_are_matched(name: str) -> None:
    assert normalize_header(name) == "lot_number"


def test_columns_that_match_no_field_are_named() -> None:
    columns = plan("manufacturers", "Name| Location |Rating||x")
    assert columns.fields == ("name", "location")
    assert columns.ignored == ("Rating", "(column 4)", "x")


def test_mapped_column_goes_before_a_column_of_the_fields_name() -> None:
    columns = plan("manufacturers", "name|maker|location", "Maker=name")
    assert columns.read(["a", "b", "c"]) == ("b", "c")
    assert columns.ignored == ("name",)


def test_constant_replaces_the_column_of_its_name() -> None:
    columns = plan("manufacturers", "name|location|country", "", "country=be")
    assert columns.read(["a", "b", "Belgium"]) == ("a", "b", "BE")
    assert columns.ignored == ("country",)


def test_alias_is_a_name_of_the_field() -> None:
    columns = plan("cacao-batches", "supplier_id|lot_number|Quantity kg|harvest_date")
    assert columns.fields == ("supplier_id", "lot_number", "quantity", "harvest_date")


@pytest.mark.parametrize(
    ("kind", "header", "mapping", "constants", "message"),
    [
        ("manufacturers", "name", "", "", "need location: no column and no constant"),
        ("manufacturers", "name|location|NAME", "", "", "the column name occurs 2 times"),
        ("manufacturers", "name|location", "x=name", "", "--map x: the file has no such column"),
        (
            "manufacturers",
            "name|location|x",
            "x=colour",
            "",
            "have no field colour; their fields are name",
        ),
        ("manufacturers", "name|location|a|b", "a=country|b=country", "", "country has 2 sources"),
        ("manufacturers", "name|a", "a=location", "location=X", "location has 2 sources"),
        ("manufacturers", "name|location", "", "colour=red", "have no field colour"),
        ("manufacturers", "name|location", "", "country=XX", "--set country: 'XX' is not an ISO"),
        ("manufacturers", "name", "", "location=", "--set location is empty"),
        ("cacao-batches", "lot_number|quantity|quantity_kg", "", "", "quantity has 2 sources"),
        (
            "cacao-batches",
            "lot_number|quantity|supplier_name",
            "",
            "",
            "need supplier_id or supplier_external_id or supplier_name + supplier_location",
        ),
        (
            "uses",
            "cacao_batch_id|quantity_kg",
            "",
            "",
            "need product_id or gtin or output_batch_id",
        ),
        ("transactions", "timestamp|event", "", "", "need product_id or gtin or cacao_batch_id"),
    ],
)
def test_unusable_columns_are_refused(
    kind: str, header: str, mapping: str, constants: str, message: str
) -> None:
    with pytest.raises(BadOptions) as caught:
        plan(kind, header, mapping, constants)
    assert message in str(caught.value)


def test_all_faults_of_the_options_are_one_message() -> None:
    with pytest.raises(BadOptions, match=r"no field colour.*no such column.*need location"):
        plan("manufacturers", "name", "x=country", "colour=red")


def test_all_faults_of_a_row_are_one_reason() -> None:
    columns = plan("products", "name|gtin|cocoa_percent")
    with pytest.raises(RowError) as caught:
        columns.read([" ", "12", "101"])
    assert caught.value.code == "MISSING"
    assert caught.value.reason.split("; ") == [
        "name is empty",
        "gtin: a GTIN has 8, 12, 13 or 14 digits, '12' has 2",
        "cocoa_percent: 101 is not between 0 and 100 percent",
    ]


def test_free_texts_are_trimmed_outside_only_and_names_are_normal() -> None:
    columns = plan("products", "name|description")
    assert columns.read(["\u00a0 a  b\n", " \t"]) == ("a b", None)
    assert columns.read(["a", "\u00a0 a  b\n"]) == ("a", "a  b")


@pytest.mark.parametrize(
    ("header", "row", "code", "reason"),
    [
        (
            "product_id|cacao_batch_id|timestamp|event",
            "1|2|2026-01-01T00:00Z|sold",
            "CONFLICT",
            "product and cacao_batch are both given: give only one",
        ),
        (
            "product_id|cacao_batch_id|timestamp|event",
            "||2026-01-01T00:00Z|sold",
            "MISSING",
            "product_id or gtin or cacao_batch_id or lot_number is empty",
        ),
        (
            "lot_number|supplier_name|supplier_location|timestamp|event",
            "L1|Coop||2026-01-01T00:00Z|sold",
            "INCOMPLETE",
            "supplier_location is empty: supplier_name + supplier_location must be given together",
        ),
    ],
)
def test_row_names_what_it_is_about_exactly_once(
    header: str, row: str, code: str, reason: str
) -> None:
    with pytest.raises(RowError) as caught:
        plan("transactions", header).read(row.split("|"))
    assert (caught.value.code, caught.value.reason) == (code, reason)
