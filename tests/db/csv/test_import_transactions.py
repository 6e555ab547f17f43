import pytest

from tests.db.csv.conftest import Loader

HEADER = "product_id,timestamp,event,details,event_id\n"


@pytest.fixture
def lots(load: Loader) -> Loader:
    load("products", "gtin,batch_number,name\n4006381333931,1,P\n4006381333931,,Q\n")
    load("suppliers", "external_id,name,location\na,A,X\n")
    load("cacao-batches", "supplier_id,lot_number,quantity,stage\n1,L1,100,nibs\n")
    return load


def test_subject_is_named_by_id_or_natural_key(lots: Loader) -> None:
    content = (
        "product_id,gtin,product_batch_number,cacao_batch_id,lot_number,timestamp,event\n"
        "1,,,,,2026-01-01T00:00:00,a\n,4006381333931,1,,,2026-01-01,b\n"
        ",4006381333931,,,,2026-01-01,c\n,,,1,,2026-01-01,d\n,,,,L1,2026-01-01T01:00+01:00,e\n"
    )
    report = lots("transactions", content)
    assert (report.inserted, report.rejected) == (5, 0)
    assert lots("transactions", content).changes == 0
    assert lots.rows(
        'select product_id, cacao_batch_id, "timestamp"::text, event from transactions order by 4'
    ) == [
        (1, None, "2026-01-01 00:00:00+00", "a"),
        (1, None, "2026-01-01 00:00:00+00", "b"),
        (2, None, "2026-01-01 00:00:00+00", "c"),
        (None, 1, "2026-01-01 00:00:00+00", "d"),
        (None, 1, "2026-01-01 00:00:00+00", "e"),
    ]


def test_details_are_json_and_compared_as_json(lots: Loader) -> None:
    first = 'product_id;timestamp;event;details\n1;2026-01-01;sold;"{""b"": 1, ""a"": [1.5]}"\n'
    again = first.replace('""b"": 1, ""a"": [1.5]', '""a"":[1.5],""b"":1')
    assert lots("transactions", first).inserted == 1
    assert lots("transactions", again).unchanged == 1
    assert lots.rows("select details->>'b' from transactions") == [("1",)]


def test_event_id_is_the_key_where_it_is_given(lots: Loader) -> None:
    content = HEADER + "1,2026-01-01,sold,,E1\n1,2026-01-01,sold,,E2\n1,2026-01-01,sold,,\n"
    assert lots("transactions", content).inserted == 3
    assert lots("transactions", content).unchanged == 3


def test_event_with_other_values_is_rejected(lots: Loader) -> None:
    lots("transactions", HEADER + "1,2026-01-01,sold,,E1\n")
    report = lots("transactions", HEADER + "1,2026-01-02,sold,,E1\n1,2026-01-01,sold,,E1\n")
    assert (report.unchanged, report.rejected) == (1, 1)
    (rejection,) = report.first_rejections
    assert (rejection.line, rejection.code) == (2, "EVENT_CHANGED")
    assert rejection.reason == (
        "event_id E1 is already recorded with other values: record a correcting event"
    )


def test_first_event_of_a_file_is_kept_and_a_second_run_changes_nothing(lots: Loader) -> None:
    content = HEADER + "1,2026-01-01,sold,,E1\n1,2026-01-01,lost,,E1\n1,2026-01-01,sold,,E1\n"
    report = lots("transactions", content)
    assert (report.inserted, report.unchanged, report.rejected) == (1, 1, 1)
    assert report.first_rejections[0].line == 3
    assert "is on line 2" in report.first_rejections[0].reason
    second = lots("transactions", content)
    assert (second.changes, second.unchanged, second.rejected) == (0, 2, 1)


def test_orphan_names_its_line_and_the_others_are_kept(lots: Loader) -> None:
    report = lots(
        "transactions", HEADER + "1,2026-01-01,a,,\n77,2026-01-01,b,,\n2,2026-01-01,c,,\n"
    )
    assert (report.inserted, report.rejected) == (2, 1)
    (rejection,) = report.first_rejections
    assert (rejection.line, rejection.reason) == (3, "no product has the id 77")


def test_correction_names_an_event_and_a_reason(lots: Loader) -> None:
    lots("transactions", HEADER + "1,2026-01-01,sold,,E1\n2,2026-01-01,sold,,E2\n")
    content = (
        "product_id,timestamp,event,event_id,corrects,corrects_event_id,correction_reason\n"
        "1,2026-01-01,lost,E3,,E1,mistyped\n2,2026-01-01,lost,,2,,mistyped\n"
        "1,2026-01-01,lost,E5,,E2,mistyped\n1,2026-01-01,lost,E6,,E1,\n1,2026-01-01,lost,E7,,E9,x\n"
    )
    report = lots("transactions", content)
    assert (report.inserted, report.rejected) == (2, 3)
    assert [(r.line, r.reason) for r in report.first_rejections] == [
        (4, "transaction 2 is about another product or cacao batch"),
        (5, "corrects and correction_reason must be given together"),
        (6, "no corrected event has corrects_event_id E9"),
    ]
    again = lots("transactions", content)
    assert (again.changes, again.unchanged, again.rejected) == (0, 2, 3)
    corrections = (
        "select product_id, corrects, correction_reason from transactions where corrects > 0"
    )
    assert lots.rows(f"{corrections} order by 1") == [(1, 1, "mistyped"), (2, 2, "mistyped")]
