"""`server.py audit findings`: its output and its exit code."""

import csv
import json
from argparse import ArgumentParser
from io import StringIO
from typing import Any

import pytest

from audit.command import add_arguments, run
from audit.findings_command import write_csv
from models.database.engines import Database
from models.findings.reading import SHOWN

# The sample by its default seed and size trips one rule, five times: mills yield a little more
# than a scheme counts.
SAMPLE = [
    (117, "gave 1200.500 kg; its inputs of 1432.000 kg yield 1174.240 kg"),
    (120, "gave 16453.500 kg; its inputs of 19525.000 kg yield 16010.500 kg"),
    (192, "gave 14217.800 kg; its inputs of 16858.500 kg yield 13823.970 kg"),
    (247, "gave 2877.200 kg; its inputs of 3446.000 kg yield 2825.720 kg"),
    (280, "gave 15270.400 kg; its inputs of 18301.500 kg yield 15007.230 kg"),
]


def audit(database: Database, *arguments: str) -> int:
    parser = ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(["findings", *arguments]), database)


def test_sample_data_trips_a_known_few(
    sample: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(sample) == 1
    rows = [*csv.DictReader(StringIO(capsys.readouterr().out))]
    assert tuple(rows[0]) == SHOWN
    found = [(int(row["cacao_batch_id"]), row["message"]) for row in rows]
    assert found == SAMPLE
    assert {(row["rule"], row["severity"]) for row in rows} == {("yield_too_high", "warning")}


def test_json_is_an_object_a_line(sample: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(sample, "--batch", "117", "--format", "json") == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "rule": "yield_too_high",
        "severity": "warning",
        "message": SAMPLE[0][1],
        "product_id": None,
        "cacao_batch_id": 117,
        "input_batch_id": None,
        "supplier_id": 8,
        "transaction_id": None,
        "certificate_id": None,
        "hold_id": None,
        "evidence": {
            "gaveKg": "1200.500",
            "yieldKg": "1174.240",
            "inputsKg": "1432.000",
            "heldKg": "1200.500",
            "factor": "0.82000",
        },
    }


@pytest.mark.parametrize(
    ("arguments", "lots"),
    [
        (["--supplier", "8"], [117, 192]),
        (["--supplier", "8", "--rule", "overdraw"], []),
        (["--product", "1"], []),
        (["--rule", "yield_too_high", "--rule", "overdraw"], [lot for lot, _ in SAMPLE]),
    ],
)
def test_findings_of_whom_and_by_which_rule(
    sample: Database, capsys: pytest.CaptureFixture[str], arguments: list[str], lots: list[int]
) -> None:
    assert audit(sample, *arguments) == (1 if lots else 0)
    rows = [*csv.DictReader(StringIO(capsys.readouterr().out))]
    assert [int(row["cacao_batch_id"]) for row in rows] == lots


def test_products_of_a_lot_with_findings_have_them_unless_asked_alone(
    sample: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    made = """with recursive made (id) as (select 117 union select output_batch_id from made
      join cacao_batch_input on input_batch_id = id)
      select min(product_id) from product_cacao_batch join made on cacao_batch_id = id"""
    with sample.reader() as connection:
        product = str(connection.exec_driver_sql(made).scalar_one())
    assert audit(sample, "--product", product) == 1
    assert audit(sample, "--product", product, "--own") == 0
    assert ",117," in capsys.readouterr().out


@pytest.mark.parametrize("whose", ["--product", "--batch", "--supplier"])
def test_unknown_subject_is_an_error_and_not_an_empty_result(
    sample: Database, capsys: pytest.CaptureFixture[str], whose: str
) -> None:
    assert audit(sample, whose, "0") == 2
    told = capsys.readouterr()
    assert (told.out, told.err) == (
        "",
        "error: this product, batch or supplier does not exist: 0\n",
    )


@pytest.mark.parametrize(
    "arguments", [["--product", "1", "--batch", "1"], ["--rule", "overdrawn"], ["--format", "xml"]]
)
def test_options_that_cannot_be_used(sample: Database, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        audit(sample, *arguments)
    assert stopped.value.code == 2


def test_numbers_beyond_any_key_are_not_there(
    sample: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(sample, "--product", str(2**70)) == 2


def test_csv_has_nothing_that_a_spreadsheet_computes_or_rewrites() -> None:
    texts = {"message": "gave 1 kg; =1+1", "evidence": '{"number": "a;=1", "day": ";MAR1"}'}
    finding: dict[str, Any] = dict.fromkeys(SHOWN) | {"rule": "=cmd", "product_id": 7} | texts
    output = StringIO()
    assert write_csv([finding], output) == 1
    (row,) = csv.DictReader(StringIO(output.getvalue()))
    assert (row["rule"], row["product_id"], row["hold_id"]) == ("'=cmd", "7", "")
    assert row["message"] == "gave 1 kg; '=1+1"
    assert json.loads(row["evidence"]) == {"number": "a;'=1", "day": ";MAR1"}
