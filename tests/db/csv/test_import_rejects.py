"""Reject files, imports of all rows or none, dry runs, and constraints that only the database has."""

import csv
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import text

from exchange.csv.errors import BadOptions, UndecodableText, UnreadableFile
from exchange.csv.importing import IMPORT_LOCK
from models.texts.normal_form import normal_text
from tests.db.csv.conftest import Loader

MIXED = (
    'Name;location;note\nA;X;"two\nlines"\n;Y;no name\nB;Z;1;2\n"C"x;Z;\nD\0;Z;nul\n\nE;X;"é, ;"\n'
)


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream, delimiter=";"))


def test_rejected_rows_are_written_with_line_reason_and_cells(load: Loader) -> None:
    reject = load.folder / "rejects.csv"
    report = load("manufacturers", MIXED, reject=reject)
    assert (report.read, report.inserted, report.rejected) == (6, 2, 4)
    assert report.exit_code == 1
    assert read(reject) == [
        ["import_line", "import_code", "import_reason", "Name", "location", "note"],
        ["4", "MISSING", "name is empty", "", "Y", "no name"],
        ["5", "CELL_COUNT", "4 cells where the header has 3", "B", "Z", "1", "2"],
        ["6", "MALFORMED_QUOTES", "line 6: ';' expected after '\"'", '"C"x;Z;\n'],
        ["7", "NUL_CHARACTER", "the character NUL in cell 1", "D\0", "Z", "nul"],
    ]
    assert sorted(path.name for path in load.folder.iterdir()) == ["file.csv", "rejects.csv"]


def test_rows_that_the_database_rejects_are_written_in_file_order(load: Loader) -> None:
    load("manufacturers", "name,location\nM,X\n")
    reject = load.folder / "rejects.csv"
    content = "name,manufacturer_id,gtin\nA,9,\nB,1,\nC,1,12\nD,8,\n"
    load("products", content, reject=reject)
    with reject.open(newline="") as stream:
        assert [(row[0], row[1], row[3]) for row in csv.reader(stream)][1:] == [
            ("2", "UNKNOWN", "A"),
            ("4", "GTIN_LENGTH", "C"),
            ("5", "UNKNOWN", "D"),
        ]


def test_mended_reject_file_can_be_imported(load: Loader) -> None:
    reject = load.folder / "rejects.csv"
    load("manufacturers", "name,location,country\nA,X,XX\nB,X,FR\n", reject=reject)
    reject.write_text(reject.read_text().replace(",XX", ",BE"))
    report = load("manufacturers", reject)
    assert (report.inserted, report.ignored[0]) == (1, "import_line")
    assert load.count("manufacturers") == 2


def test_without_rejections_the_reject_file_is_a_header(load: Loader) -> None:
    reject = load.folder / "rejects.csv"
    reject.write_text("stale")
    load("manufacturers", "name;location\nA;X\n", reject=reject)
    assert read(reject) == [["import_line", "import_code", "import_reason", "name", "location"]]


def test_reject_file_that_cannot_be_written_stops_the_import(load: Loader) -> None:
    path = load.save("name,location\nA,X\n")
    for reject in (path, load.folder, load.folder / "absent" / "rejects.csv"):
        with pytest.raises(UnreadableFile):
            load("manufacturers", path, reject=reject)
    assert load.count("manufacturers") == 0
    assert path.read_text() == "name,location\nA,X\n"


def test_all_or_nothing_writes_nothing_where_a_row_is_rejected(load: Loader) -> None:
    reject = load.folder / "rejects.csv"
    report = load("manufacturers", MIXED, all_or_nothing=True, reject=reject)
    assert (report.inserted, report.rejected, report.written) == (0, 4, False)
    assert "nothing was written (all or nothing, and rows were rejected)" in str(report)
    assert len(read(reject)) == 5
    assert load.count("manufacturers") == 0
    assert load("manufacturers", "name,location\nA,X\n", all_or_nothing=True).written
    assert load.count("manufacturers") == 1


def test_dry_run_counts_and_writes_nothing(load: Loader) -> None:
    report = load("manufacturers", "name,location\nA,X\n", dry_run=True)
    assert (report.inserted, report.written) == (1, False)
    assert "nothing was written (dry run)" in str(report)
    assert load.count("manufacturers") == 0


def test_invalid_bytes_behind_good_rows_leave_nothing(load: Loader) -> None:
    content = b"name,location\n" + b"".join(b"M%d,X\n" % i for i in range(30_000)) + b"\xff,X\n"
    with pytest.raises(UndecodableText, match="on line 30002"):
        load("manufacturers", content, reject=load.folder / "rejects.csv")
    assert load.count("manufacturers") == 0
    assert [path.name for path in load.folder.iterdir()] == ["file.csv"]


def test_unforeseen_constraint_rejects_only_the_rows_it_forbids(load: Loader) -> None:
    load.execute("alter table products add constraint no_sevens check (name !~ '^Bar .*77$')")
    content = "name,manufacturer_name,manufacturer_location\n" + "".join(
        f"Bar {i},M{i % 7},X\n" for i in range(1_000)
    )
    report = load("products", content)
    assert (report.inserted, report.rejected, report.created) == (990, 10, {"manufacturers": 7})
    assert [each.line for each in report.first_rejections] == list(range(79, 1_000, 100))
    assert report.first_rejections[0].code == "CONSTRAINT"
    assert "no_sevens" in report.first_rejections[0].reason
    assert load.count("products") == 990


def test_row_the_database_rejects_uncovers_the_earlier_one_of_its_key(load: Loader) -> None:
    load.execute("alter table manufacturers add constraint no_be check (country <> 'BE')")
    report = load("manufacturers", "name,location,country\nA,X,FR\nB,X,FR\nA,X,BE\n")
    assert (report.inserted, report.superseded, report.rejected) == (2, 0, 1)
    assert report.first_rejections[0].line == 4
    assert load.rows("select country from manufacturers where name = 'A'") == [("FR",)]


def test_trigger_that_refuses_a_use_is_reported_on_its_line(load: Loader) -> None:
    load("suppliers", "name,location\nA,X\n")
    load("cacao-batches", "supplier_id,lot_number,quantity,stage\n1,L1,100,nibs\n")
    load("products", "name\nP\nQ\n")
    load.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin"
        " raise exception 'not today' using errcode = 'check_violation',"
        " constraint = 'cacao_batch_not_overdrawn'; end $$;"
        "create trigger refuse before insert on product_cacao_batch for each row"
        " when (new.product_id = 2) execute function refuse()"
    )
    report = load("uses", "cacao_batch_id,product_id,quantity_kg\n1,1,5\n1,2,5\n")
    assert report.inserted == 1
    (rejection,) = report.first_rejections
    assert (rejection.line, rejection.code, rejection.reason) == (3, "OVERDRAWN", "not today")


def test_second_import_waits_for_the_first(load: Loader) -> None:
    path = load.save("name,location\nA,X\n")
    with load.database.session() as other:
        other.execute(text(f"select pg_advisory_xact_lock({IMPORT_LOCK})"))
        thread = Thread(target=load, args=("manufacturers", path))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert load.count("manufacturers") == 0
        other.rollback()
    thread.join(10)
    assert load.count("manufacturers") == 1


def test_connection_is_handed_back_as_it_was(load: Loader) -> None:
    load("manufacturers", "name,location\nA,X\n")
    with load.database.session() as session:
        assert session.execute(text("show work_mem")).scalar_one() != "64MB"
        assert session.execute(text("select to_regclass('import_rows')")).scalar_one() is None


def test_header_without_rows_is_nothing_to_do(load: Loader) -> None:
    report = load("manufacturers", "name,location\n")
    assert (report.read, report.changes, report.exit_code) == (0, 0, 0)


def test_unknown_kind_names_the_kinds(load: Loader) -> None:
    with pytest.raises(BadOptions, match="unknown kind bars: manufacturers, suppliers"):
        load("bars", "name\nA\n")


def test_progress_counts_bytes(load: Loader) -> None:
    seen: list[tuple[int, int]] = []
    path = load.save("name,location\n" + "".join(f"M{i},X\n" for i in range(25_000)))
    load("manufacturers", path, progress=lambda done, total: seen.append((done, total)))
    size = path.stat().st_size
    assert [total for _, total in seen] == [size, size]
    assert 0 < seen[0][0] < seen[1][0] == size


WILD = ["=1+1", "'t Hof", "''", "MAR1", "ACME; =1+1", "a\n'=b", '"=x"', "+", "007", "TRUE", "\t=1"]


def test_reject_file_is_harmless_and_reads_back_unchanged(load: Loader) -> None:
    reject = load.folder / "rejects.csv"
    with (load.folder / "file.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "location", "country", "=note"])
        writer.writerows([f"{name}x{n}", name, "XX", name] for n, name in enumerate(WILD))
    report = load("manufacturers", load.folder / "file.csv", reject=reject)
    assert report.rejected == len(WILD)
    written = reject.read_text(encoding="utf-8")
    assert written.startswith("import_line,import_code,import_reason,name,location,country,'=note")
    assert ",=1+1" not in written
    assert "; =1+1" not in written
    reject.write_text(written.replace("XX", "BE"), encoding="utf-8")
    assert load("manufacturers", reject).inserted == len(WILD)
    # A name has its normal form, whichever file it is read from.
    assert load.rows("select name, location from manufacturers order by manufacturer_id") == [
        (normal_text(f"{name}x{n}"), normal_text(name)) for n, name in enumerate(WILD)
    ]


def test_rejects_of_a_reject_file_can_be_imported(load: Loader) -> None:
    first, second = load.folder / "first.csv", load.folder / "second.csv"
    load("manufacturers", "name;location;country\n=A;X;XX\n'B;X;YY\n", reject=first)
    load("manufacturers", first, reject=second)
    assert read(second)[0] == [
        *("import_line", "import_code", "import_reason", "name", "location", "country"),
    ]
    assert [row[3] for row in read(second)[1:]] == ["'=A", "''B"]
    mended = second.read_text(encoding="utf-8").replace("XX", "FR").replace("YY", "FR")
    second.write_text(mended, encoding="utf-8")
    assert load("manufacturers", second).inserted == 2
    assert load.rows("select name from manufacturers order by 1") == [("'B",), ("=A",)]


def test_apostrophes_of_other_files_are_kept(load: Loader) -> None:
    load("manufacturers", "name,location\n'=A,'t Hof\n")
    assert load.rows("select name, location from manufacturers") == [("'=A", "'t Hof")]
