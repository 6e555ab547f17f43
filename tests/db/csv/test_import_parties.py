from tests.db.csv.conftest import Loader


def test_manufacturers_are_keyed_by_name_and_location(load: Loader) -> None:
    content = "name,location,country\nA,Paris,FR\nA,Rome,IT\n"
    report = load("manufacturers", content)
    assert (report.read, report.inserted, report.changes) == (2, 2, 2)
    assert load("manufacturers", content).changes == 0
    assert load.rows("select name, location, country from manufacturers order by 2") == [
        ("A", "Paris", "FR"),
        ("A", "Rome", "IT"),
    ]


def test_changed_values_update_the_columns_that_the_file_gives(load: Loader) -> None:
    load("suppliers", "name,location,country,contact_person\nA,X,CI,Ama\nB,X,CI,Kofi\n")
    report = load("suppliers", "name,location,country\nA,X,GH\nB,X,CI\n")
    assert (report.inserted, report.updated, report.unchanged) == (0, 1, 1)
    assert load.rows("select name, country, contact_person from suppliers order by 1") == [
        ("A", "GH", "Ama"),
        ("B", "CI", "Kofi"),
    ]


def test_empty_cell_empties_the_value_only_of_a_column_to_be_cleared(load: Loader) -> None:
    content = "name,location,country\nA,X,\n"
    load("manufacturers", "name,location,country\nA,X,FR\n")
    assert load("manufacturers", content).unchanged == 1
    assert load.rows("select country from manufacturers") == [("FR",)]
    assert load("manufacturers", content, clear=["Country"]).updated == 1
    assert load.rows("select country from manufacturers") == [(None,)]


def test_external_id_is_the_key_where_it_is_given(load: Loader) -> None:
    load("suppliers", "external_id,name,location\n7,3A,X\n8,3A,X\n,3A,X\n")
    report = load("suppliers", "external_id,name,location\n7,3A Coop,Y\n,3A,X\n")
    assert (report.inserted, report.updated, report.unchanged) == (0, 1, 1)
    assert load.rows("select external_id, name, location from suppliers order by supplier_id") == [
        ("7", "3A Coop", "Y"),
        ("8", "3A", "X"),
        (None, "3A", "X"),
    ]


def test_supplier_without_external_id_is_the_only_one_of_its_name(load: Loader) -> None:
    load("suppliers", "external_id,name,location\n7,3A,X\n")
    content = "name,location,country\n3A,X,CI\n"
    assert (load("suppliers", content).updated, load("suppliers", content).unchanged) == (1, 1)
    assert load.rows("select external_id, country from suppliers") == [("7", "CI")]


def test_supplier_without_external_id_is_none_of_several_that_have_it(load: Loader) -> None:
    load("suppliers", "external_id,name,location\n7,3A,X\n8,3A,X\n")
    content = "name,location\n3A,X\n"
    first = load("suppliers", content)
    assert (first.inserted, first.first_warnings[0].code) == (1, "WARNING_KEY_NOT_ADOPTED")
    second = load("suppliers", content)
    assert (second.unchanged, second.warnings) == (1, 0)
    assert load.rows("select external_id from suppliers order by 1") == [("7",), ("8",), (None,)]


def test_same_row_twice_is_unchanged(load: Loader) -> None:
    report = load("manufacturers", "name,location,country\nA,X,FR\nA,X,FR\n")
    assert (report.inserted, report.unchanged, report.superseded) == (1, 1, 0)


def test_last_row_of_a_key_wins_and_a_second_run_changes_nothing(load: Loader) -> None:
    content = "name,location,country\nA,X,FR\nB,X,FR\nA,X,BE\nA,X,DE\n"
    first = load("manufacturers", content)
    assert (first.inserted, first.superseded, first.unchanged) == (2, 2, 0)
    assert first.first_superseded == ((2, 5), (4, 5))
    assert "superseded by a later row with the same key: line 2 by 5, 4 by 5" in str(first)
    second = load("manufacturers", content)
    assert (second.changes, second.superseded, second.unchanged) == (0, 2, 2)
    assert load.rows("select country from manufacturers where name = 'A'") == [("DE",)]


def test_rejected_row_does_not_supersede_an_earlier_one(load: Loader) -> None:
    report = load("manufacturers", "name,location,country\nA,X,FR\nA,X,XX\n")
    assert (report.inserted, report.superseded, report.rejected) == (1, 0, 1)
    assert load.rows("select country from manufacturers") == [("FR",)]


def test_names_are_stored_in_their_normal_form(load: Loader) -> None:
    load("manufacturers", "name,location\ncafe\u0301 \u00a0 \U0001f36b,\u212bngstr\u00f6m\n")
    assert load.rows("select name, location from manufacturers") == [
        ("caf\u00e9 \U0001f36b", "\u00c5ngstr\u00f6m")
    ]


def test_backslashes_tabs_and_line_breaks_survive_the_copy(load: Loader) -> None:
    load("products", 'name;description\n"a\\N\\t";"x\ty\r\nz\\"\n', delimiter=";")
    assert load.rows("select name, description from products") == [("a\\N\\t", "x\ty\r\nz\\")]
