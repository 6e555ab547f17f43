"""Escaping of CSV cells, so that spreadsheets neither compute nor rewrite them.

An apostrophe before a cell makes a spreadsheet read it as text. It is inserted before text that would
otherwise be read as a formula, a number, a date, a truth value or an error.

A spreadsheet may split a file at another delimiter than the file's own: in a locale whose list separator is
the semicolon, `ACME; =1+1` becomes two cells. Each part of a cell between possible delimiters or line ends
is therefore escaped by itself.
"""

import re
from unicodedata import combining, normalize

# First characters of a formula (OWASP, CSV Injection). Compared in NFKC, which maps full-width and small forms to
# them. The minus sign U+2212 begins a number.
_FORMULA = "=+-@\u2212"
_PIECES = re.compile(r"([,;\t\r\n]+)")
# Without the comma, which a number may contain.
_HARD = re.compile(r"([;\t\r\n]+)")
_LEAD = re.compile(r"[\s\"]*")
# Looks like a number; whether it is in range or a day of the calendar is not checked.
_AMOUNT = r"[\d.][\d.,:/ '’\u00a0\u202f-]*(?:e[+-]?\d+)?"  # noqa: RUF001
_PLAIN = re.compile(r"0|[1-9][0-9]{0,14}")
_DECORATED = r"(?:%|‰|[$¢£¤¥֏؋৲৳฿៛\u20a0-\u20cf])"
_MONTHS = (
    "jan january januar januari janvier janv ene enero gen gennaio janeiro "
    "feb february februar februari fevrier fevr fev febrero febbraio fevereiro "
    "mar march marz mrz maerz mrt maart mars marzo marco apr april avr avril abr abril aprile "
    "may mai mei maj mayo mag maggio maio jun june juni juin junio giu giugno junho "
    "jul july juli juil juillet julio lug luglio julho aug august augustus aout ago agosto "
    "sep sept september septembre septiembre set settembre setembro "
    "oct october okt oktober octobre octubre ott ottobre out outubro "
    "nov november novembre noviembre novembro dec december dez dezember decembre dic diciembre "
    "dicembre dezembro"
)
_MONTHS += (
    " янв января январь фев февр февраля февраль мар марта март апр апреля апрель мая май маи июн июня июнь"
    " июл июля июль авг августа август сен сент сентября сентябрь окт октября октябрь ноя нояб ноября ноябрь"
    " дек декабря декабрь"
)
_MONTH = rf"(?:{'|'.join(sorted(_MONTHS.split(), key=len, reverse=True))})\.?"
_GAP = r"(?:[\s./,'’-]|de|do|di)*"  # noqa: RUF001
_TRUTHS = (
    "true|false|wahr|falsch|vrai|faux|verdadero|falso|verdadeiro|vero|waar|onwaar|sant|falskt|sand|falsk"
    "|tosi|epatosi|prawda|fałsz|истина|ложь"
)
_REWRITTEN = re.compile(
    "|".join(
        (
            rf"{_DECORATED}?\s*\(?{_DECORATED}?\s*{_AMOUNT}\s*\)?\s*{_DECORATED}?",
            rf"\d{{1,4}}(?:st|nd|rd|th|er|e|o|º)?{_GAP}{_MONTH}(?:{_GAP}\d{{1,4}})?(?:\s+[\d:.]+)?",
            rf"{_MONTH}{_GAP}\d{{1,4}}(?:{_GAP}\d{{1,4}})?(?:\s+[\d:.]+)?",
            r"\d{1,2}(?:[:.]\d{1,2}){0,2}(?:\s*[ap]\.?m\.?|\s+[ap])",
            r"(?:[\d\s:.]*\d\s*[年月日時时分秒])+",
            r"\d{4}-?\d\d-?\d\dt[\d:.,]+(?:z|[+-][\d:]+)?",
            rf"(?:{_TRUTHS})",
            r"#[^\W\d_][\w/]*[!?]?",
        )
    )
)


def escape_cell(text: str | None, *, reversible: bool = False) -> str:
    """Escape a text for a CSV cell; None gives an empty cell.

    `reversible` also escapes parts that begin with an apostrophe, so that `unescape_cell` inverts it.
    """
    if not text:
        return ""
    parts = [
        _escape_part(part, reversible) if index % 2 == 0 else part
        for index, part in enumerate(_HARD.split(text))
    ]
    if text[0] in "\t\r\n" and not parts[0]:
        parts[0] = "'"
    return "".join(parts)


def unescape_cell(cell: str) -> str:
    """Invert `escape_cell(text, reversible=True)`."""
    if "'" not in cell:
        return cell
    pieces = _PIECES.split(cell)
    return "".join(
        _remove_apostrophe(piece) if index % 2 == 0 else piece for index, piece in enumerate(pieces)
    )


def _escape_part(part: str, reversible: bool) -> str:
    pieces = [_escape_piece(piece, reversible) for piece in part.split(",")]
    escaped = ",".join(pieces)
    if pieces[0] == part.partition(",")[0] and _is_rewritten(part):
        return _insert_apostrophe(pieces[0]) + escaped[len(pieces[0]) :]
    return escaped


def _escape_piece(piece: str, reversible: bool) -> str:
    rest = piece[_start_of_text(piece) :]
    if not rest:
        return piece
    is_formula = normalize("NFKC", rest[0])[:1] in _FORMULA
    if is_formula or (reversible and rest[0] == "'") or _is_rewritten(rest):
        return _insert_apostrophe(piece)
    return piece


def _is_rewritten(text: str) -> bool:
    plain = text.strip().rstrip('"').rstrip()
    if len(plain) > 100 or _PLAIN.fullmatch(plain):
        return False
    folded = "".join(each for each in normalize("NFKD", plain.casefold()) if not combining(each))
    return _REWRITTEN.fullmatch(folded) is not None


def _insert_apostrophe(piece: str) -> str:
    at = _start_of_text(piece)
    return f"{piece[:at]}'{piece[at:]}"


def _remove_apostrophe(piece: str) -> str:
    at = _start_of_text(piece)
    return piece[:at] + piece[at + 1 :] if piece[at : at + 1] == "'" else piece


def _start_of_text(piece: str) -> int:
    match = _LEAD.match(piece)
    return match.end() if match else 0
