"""Text that no spreadsheet computes or rewrites, and the way back from it.

A spreadsheet may cut a file at another delimiter than the file's own: where its locale has the
semicolon as the separator of lists, it opens `ACME; =1+1` as two cells. So each piece of a text between
delimiters or line ends is guarded, by an apostrophe before what would be a formula, a number, a date, a
truth value or an error.
"""

import re
from unicodedata import combining, normalize

# What begins a formula (OWASP, CSV Injection); compared in NFKC, so the wide and small forms count too. The
# minus sign U+2212 begins a number.
FORMULA = "=+-@\u2212"
_PIECES = re.compile(r"([,;\t\r\n]+)")
# The same without the comma, which may be within a number.
_HARD = re.compile(r"([;\t\r\n]+)")
_LEAD = re.compile(r"[\s\"]*")
# Year 1 to 9999 is not checked: what looks like a number or a date is guarded.
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
    """A text as a cell that no spreadsheet takes for anything but text; nothing for None.

    `reversible` also guards what begins with an apostrophe, so that `unescape_cell` gives the text back.
    """
    if not text:
        return ""
    parts = [
        _guard(part, reversible) if index % 2 == 0 else part
        for index, part in enumerate(_HARD.split(text))
    ]
    if text[0] in "\t\r\n" and not parts[0]:
        parts[0] = "'"
    return "".join(parts)


def unescape_cell(cell: str) -> str:
    """The text that `escape_cell(text, reversible=True)` made this cell of."""
    if "'" not in cell:
        return cell
    pieces = _PIECES.split(cell)
    return "".join(
        _remove(piece) if index % 2 == 0 else piece for index, piece in enumerate(pieces)
    )


def _guard(part: str, reversible: bool) -> str:
    pieces = [_mark(piece, reversible) for piece in part.split(",")]
    guarded = ",".join(pieces)
    if pieces[0] == part.partition(",")[0] and _is_rewritten(part):
        return _insert(pieces[0]) + guarded[len(pieces[0]) :]
    return guarded


def _mark(piece: str, reversible: bool) -> str:
    rest = piece[_lead(piece) :]
    if not rest:
        return piece
    is_formula = normalize("NFKC", rest[0])[:1] in FORMULA
    if is_formula or (reversible and rest[0] == "'") or _is_rewritten(rest):
        return _insert(piece)
    return piece


def _is_rewritten(text: str) -> bool:
    plain = text.strip().rstrip('"').rstrip()
    if len(plain) > 100 or _PLAIN.fullmatch(plain):
        return False
    folded = "".join(each for each in normalize("NFKD", plain.casefold()) if not combining(each))
    return _REWRITTEN.fullmatch(folded) is not None


def _insert(piece: str) -> str:
    at = _lead(piece)
    return f"{piece[:at]}'{piece[at:]}"


def _remove(piece: str) -> str:
    at = _lead(piece)
    return piece[:at] + piece[at + 1 :] if piece[at : at + 1] == "'" else piece


def _lead(piece: str) -> int:
    match = _LEAD.match(piece)
    return match.end() if match else 0
