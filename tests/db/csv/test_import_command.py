import io
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest

from exchange.csv.importers.registry import IMPORTERS
from exchange.csv.report import progress
from exchange.import_command import add_arguments, run
from models.database.engines import Database
from tests.db.csv.conftest import Loader


def run_command(database: Database, *words: str | Path) -> int:
    parser = ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(word) for word in words]), database)


def test_report_is_printed_in_a_few_lines(load: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    path = load.save("maker=a,place,rating\nA,X,1\nB,,2\n")
    code = run_command(
        load.database, "manufacturers", path, "--map", "maker=a=name", "--map", "place=location",
        "--set", "country=FR",
    )  # fmt: skip
    assert code == 1
    assert capsys.readouterr().out == (
        "manufacturers from file.csv\n"
        "  read                 2\n"
        "  inserted             1\n"
        "  updated              0\n"
        "  unchanged            0\n"
        "  rejected             1\n"
        "  columns not used: rating\n"
        "  rejected as MISSING: 1\n"
        "    line 3: MISSING: location is empty\n"
    )


def test_exit_code_is_0_where_nothing_is_rejected(load: Loader) -> None:
    path = load.save("name|location\nA|X\n")
    words = ("manufacturers", path, "--delimiter", "|")
    assert run_command(load.database, *words, "--dry-run") == 0
    assert load.count("manufacturers") == 0
    assert run_command(load.database, *words, "--all-or-nothing") == 0
    assert load.count("manufacturers") == 1


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("", (), "is empty: a header line is required (EMPTY_FILE)"),
        ("name\nA\n", (), "need location: no column and no constant provides it (BAD_OPTIONS)"),
        ("name,location\nA,X\n", ("--delimiter", "ab"), "is not one character"),
        (
            "name,location\nA,X\n",
            ("--set", "country=FR", "--set", "country=BE"),
            "--set is given twice for one name",
        ),
    ],
)
def test_exit_code_is_2_where_file_or_options_are_unusable(
    load: Loader,
    capsys: pytest.CaptureFixture[str],
    content: str,
    words: tuple[str, ...],
    message: str,
) -> None:
    assert run_command(load.database, "manufacturers", load.save(content), *words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert load.count("manufacturers") == 0


@pytest.mark.parametrize(
    "words", [("bars", "x.csv"), ("products", "x.csv", "--map", "name"), ("products",)]
)
def test_arguments_that_cannot_be_parsed_exit_with_2(
    fresh: Database, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run_command(fresh, *words)
    assert caught.value.code == 2


def test_no_bar_is_drawn_where_there_is_no_terminal(
    load: Loader, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(load.database, "manufacturers", load.save("name,location\nA,X\n"))
    assert capsys.readouterr().err == ""


def test_bar_is_drawn_on_a_terminal(load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "PROGRESS_DELAY", 0)
    run_command(load.database, "manufacturers", load.save("name,location\nA,X\n"))
    assert "file.csv: 100%" in terminal.getvalue()
    assert "18.0/18.0" in terminal.getvalue()


def test_names_from_the_file_do_not_steer_the_terminal(
    load: Loader, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(load.database, "manufacturers", load.save("name,location,\x1b[2J\nA,X,\n"))
    assert "columns not used: \\x1b[2J\n" in capsys.readouterr().out


@pytest.mark.parametrize("kind", list(IMPORTERS))
def test_help_behind_a_kind_lists_its_fields(
    fresh: Database, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        run_command(fresh, kind, "--help")
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    fields = shown.partition(f"fields of {kind}:\n")[2].splitlines()
    listed = [line.split()[0] for line in fields if not line.startswith("  a row names")]
    assert listed == [field.name for field in IMPORTERS[kind].fields]
    assert shown.count("fields of ") == 1


def test_help_lists_the_fields_of_all_kinds(
    fresh: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_command(fresh, "--help")
    shown = capsys.readouterr().out
    for kind in IMPORTERS.values():
        assert f"fields of {kind.name}:\n" in shown
    assert (
        "  quantity              kilograms, at most 3 decimals; required; also named quantity_kg\n"
        in shown
    )
    assert "  a row names exactly one product or output_batch, by product_id or gtin or " in shown


def test_options_of_files_are_passed_on(load: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    load("suppliers", "name,location\nA,X\n")
    path = load.save("supplier_id;lot_number;quantity;stage\n1;é;25.000;nibs\n".encode("cp1252"))
    assert run_command(load.database, "cacao-batches", path) == 2
    assert "--encoding" in capsys.readouterr().err
    words = ("cacao-batches", path, "--encoding", "cp1252")
    assert run_command(load.database, *words) == 2
    assert capsys.readouterr().err.endswith(
        "give --decimal comma (25000) or --decimal point (25.000) (AMBIGUOUS_DECIMAL)\n"
    )
    assert run_command(load.database, *words, "--sheet", "x") == 2
    assert run_command(load.database, *words, "--decimal", "comma") == 0
    assert load.rows("select lot_number, quantity::text from cacao_batches") == [("é", "25000.000")]
