"""No cell that is written is computed or rewritten by a spreadsheet, in any locale."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.csv.spreadsheet import escape_cell, unescape_cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        # Cut at a semicolon by a spreadsheet of such a locale.
        (";=cmd|' /C calc'!A0", ";'=cmd|' /C calc'!A0"),
        ("ACME; =1+1", "ACME; '=1+1"),
        ("ACME;@SUM(A1)", "ACME;'@SUM(A1)"),
        ('ACME;"=1+1"', "ACME;\"'=1+1\""),
        ("ACME\n=1+1", "ACME\n'=1+1"),
        ("ACME\r\n+1", "ACME\r\n'+1"),
        ("ACME\t-1", "ACME\t'-1"),
        ("ACME, =1+1", "ACME, '=1+1"),
        ("Depot; 007", "Depot; '007"),
        # Each piece, and the whole.
        ("5,5%", "'5,'5%"),
        ("Lot; 1,234", "Lot; '1,234"),
        # Formulas.
        ("=1+1", "'=1+1"),
        (" =1+1", " '=1+1"),
        ('"=1+1', "\"'=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("﹢1", "'﹢1"),
        ("\u00a0@x", "\u00a0'@x"),
        ("\t=1", "'\t'=1"),
        ("\rx", "'\rx"),
    ],
)  # fmt: skip
def test_formula_is_guarded_wherever_a_spreadsheet_may_cut(text: str, cell: str) -> None:
    assert escape_cell(text) == cell


@pytest.mark.parametrize(
    "text",
    [
        *("MAR1", "mar1", "Mar-1", "1-MAR", "1 mars", "SEPT2", "DEC1", "Dec-15", "March 2026"),
        *("1er mars 2026", "2. Mai", "Mär 1", "1 de enero", "août 3", "3-Okt-26", "12 Feb 2026 10:30"),
        *("5%", "5 %", "$5", "5 €", "€5", "(5)", "($5.00)"),
        *("TRUE", "false", "WAHR", "Faux", "VERDADERO", "ЛОЖЬ", "fałsz"),
        *("007", "1E5", "1.5e-3", "3/4", "1 1/2", "2026-03-01", "1.3.2026", "10:30", "1.50", "1,234"),
        *("2026-03-01T10:00:00Z", "10:30 pm", "10am", "1 p", "1'234", "12 345", "1234567890123456"),
        *("#N/A", "#REF!", "#NAME?", "#WERT!"),
        *("1月2日", "2024年1月1日", "10時30分", "31 дек", "1 января 2026", "2 мая", "1 май", "\u22121"),
        *(" 007", "MAR1 ", "\u0660\u0660\u0667"),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_rewrites_is_guarded(text: str) -> None:
    blanks = len(text) - len(text.lstrip())
    assert escape_cell(text) == f"{text[:blanks]}'{text[blanks:]}"
    assert escape_cell(f"Lot; {text.strip()}") in (
        f"Lot; '{text.strip()}",
        f"Lot; {escape_cell(text.strip())}",
    )


@pytest.mark.parametrize(
    "text",
    [
        *("ACME", "Mark 1", "Marabou 12", "LIQ-240903-007", "L9", "12A", "B-001", "Mayfair", "Maya 3"),
        *("0", "7", "123456789012345", "Noir 72% Fleur", "a=b", "1 kg", "Truely", "'t Hof", "Depot 7"),
        *("年月堂", "1月x", "Майя 2", "Дека"),
        *("Épicerie Anne; Depot 7", "Ghent, 9000, Belgium", 'a "quoted", name\nof lines', "#1 bar", ""),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_keeps_is_unchanged(text: str) -> None:
    assert escape_cell(text) == text


def test_nothing_is_an_empty_cell() -> None:
    assert escape_cell(None) == ""


@settings(max_examples=500)
@given(st.text(st.sampled_from("'\"=+-@; ,\t\r\n017%aM\0é＝")))  # noqa: RUF001
def test_reversible_text_comes_back(text: str) -> None:
    assert unescape_cell(escape_cell(text, reversible=True)) == text


@settings(max_examples=300)
@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert unescape_cell(escape_cell(text, reversible=True)) == text
