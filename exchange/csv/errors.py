"""Errors that make a whole file or its options unusable; nothing is imported."""


class Unusable(Exception):
    """The file or the options cannot be used; the message says why, for a person."""

    code = "UNUSABLE"


class UnreadableFile(Unusable):
    """The file cannot be opened, or the reject file cannot be written."""

    code = "UNREADABLE_FILE"


class EmptyFile(Unusable):
    """The file has no header line."""

    code = "EMPTY_FILE"


class UndecodableText(Unusable):
    """The bytes of the file are not text in its encoding."""

    code = "UNDECODABLE_TEXT"


class UnboundedRecord(Unusable):
    """A record or line exceeds the limits, so the start of the next row is unknown."""

    code = "UNBOUNDED_RECORD"


class AmbiguousNumbers(Unusable):
    """The decimal separator of a column is unknown: 25.000 may be 25 or 25,000."""

    code = "AMBIGUOUS_DECIMAL"


class BadOptions(Unusable):
    """An option is invalid, or a required field has no source.

    Options name importers, fields, columns and delimiters.
    """

    code = "BAD_OPTIONS"
