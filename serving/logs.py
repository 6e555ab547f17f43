"""What the process writes about itself: a line of text or of JSON an event, in UTC.

Values of requests and rows are never written: an exception is its type, where it was
raised and, from PostgreSQL, its code and the constraint, not its text. LOG_LEVEL=debug writes that too.
"""

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any

log = logging.getLogger("cacaotrace")

TIME = "%Y-%m-%dT%H:%M:%S"
# What uvicorn warns of where a client sends what is no HTTP, or wants a protocol we do not speak.
CLIENT_FAULTS = (
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "No supported WebSocket library detected.",
)


def configure(level: str, layout: str) -> None:
    """Log to standard error in one of settings.LOG_FORMATS; uvicorn's own only from warnings up."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter_of(layout, discreet=level != "debug"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("uvicorn.error").addFilter(is_ours)
    if layout == "json":
        _log_all_there_is()
    if level == "info":
        logging.getLogger("uvicorn").setLevel(logging.WARNING)


def _log_all_there_is() -> None:
    """Log warnings and uncaught exceptions instead of printing them."""
    logging.captureWarnings(capture=True)

    def log_uncaught(kind: Any, error: Any, trace: Any, thread: str = "the process") -> None:
        if not issubclass(kind, KeyboardInterrupt | SystemExit):
            found = (kind, error or kind(), trace)
            log.critical("%s ended by an exception", thread, exc_info=found)

    def log_thread(args: threading.ExceptHookArgs) -> None:
        name = f"the thread {args.thread.name}" if args.thread else "a thread"
        log_uncaught(args.exc_type, args.exc_value, args.exc_traceback, name)

    def log_unraisable(args: "sys.UnraisableHookArgs") -> None:
        log_uncaught(args.exc_type, args.exc_value, args.exc_traceback, "a finalizer")

    sys.excepthook = log_uncaught
    threading.excepthook = log_thread
    sys.unraisablehook = log_unraisable


def is_ours(record: logging.LogRecord) -> bool:
    """Whether an event is not just a client's fault."""
    return not str(record.msg).startswith(CLIENT_FAULTS)


def formatter_of(layout: str, *, discreet: bool = True) -> logging.Formatter:
    """Return the formatter for `text` or `json`; a discreet one writes no exception's text."""
    formatter: Text | Structured = Structured() if layout == "json" else Text()
    formatter.discreet = discreet
    formatter.converter = time.gmtime
    return formatter


class Text(logging.Formatter):
    """A line, and beneath it where an exception came from."""

    discreet = True

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", TIME)

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines; what another handler's formatter made of the exception is not taken over."""
        record.exc_text = None
        lines = super().format(record)
        record.exc_text = None
        return lines

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the base class's name
        """Return the traceback; a discreet one names exceptions without their text."""
        if not self.discreet:
            return super().formatException(ei)
        return "\n".join("\n".join([f"{each[0]}:", *each[1]]) for each in chain_of(ei[1]))


class Structured(logging.Formatter):
    """One JSON object a line: time, level, logger, message; correlationId and exception if any."""

    discreet = True

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": f"{self.formatTime(record, TIME)}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if hasattr(record, "correlation"):
            line["correlationId"] = record.correlation
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = [
                {"type": name, "at": at} for name, at in chain_of(record.exc_info[1])
            ]
            if not self.discreet:
                line["text"] = str(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def chain_of(error: BaseException) -> Iterator[tuple[str, list[str]]]:
    """Yield what an exception and each that led to it are called, and the lines of code it came through."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        frames = traceback.extract_tb(found.__traceback__)
        yield name_of(found), [place_of(frame) for frame in frames]
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def name_of(error: BaseException) -> str:
    """Return the type of an exception; with what PostgreSQL says of it that is no value."""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    # SQLAlchemy's errors have psycopg2's in `orig`; neither is imported for the command line's help.
    cause = getattr(error, "orig", error)
    diagnosis = getattr(cause, "diag", None)
    named = [getattr(diagnosis, part, None) for part in ("table_name", "constraint_name")]
    return " ".join(filter(None, [name, getattr(cause, "pgcode", None), *named]))


def place_of(frame: traceback.FrameSummary) -> str:
    return f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}: {frame.line}'
