"""What makes a whole file or its options unusable: nothing is imported, and one message says why."""


class Unusable(Exception):
    """The file or the options cannot be used at all."""

    code = "UNUSABLE"


class UnreadableFile(Unusable):
    """The file cannot be opened, or the reject file cannot be written."""

    code = "UNREADABLE_FILE"


class EmptyFile(Unusable):
    """The file has no header line."""

    code = "EMPTY_FILE"


class UndecodableText(Unusable):
    """The bytes are not text in the encoding that the file announces."""

    code = "UNDECODABLE_TEXT"


class UnboundedRecord(Unusable):
    """A record or line has no end within the limits: where the next row starts is unknown."""

    code = "UNBOUNDED_RECORD"


class AmbiguousNumbers(Unusable):
    """A column's decimal separator is not known: a value could be a thousand times another."""

    code = "AMBIGUOUS_DECIMAL"


class BadOptions(Unusable):
    """An unknown kind, field, column, constant or delimiter, or a field that has no source."""

    code = "BAD_OPTIONS"
