"""One line a request: no prompt, no key, no query string."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import NamedTuple

log = logging.getLogger("aiodynaspark.access")

CLIENT_LEFT = 499
"""The status of a request whose client did not wait for the answer, as nginx writes it."""


class Entry(NamedTuple):
    """What the log keeps of one request.

    Attributes:
        route: the pattern that it matched, or an empty string; never what else a path may hold.
        model: the catalog's name of the model that was asked, or an empty string.
        seconds: from its head to the end of its answer.
        sent: bytes of the answer's body.
        request_id: what its answer calls it.
    """

    method: str
    route: str
    status: int
    model: str
    seconds: float
    sent: int
    request_id: str

    def __str__(self) -> str:
        named = f"{self.method} {self.route or '-'} {self.status} {self.model}".rstrip()
        return f"{named} {self.seconds * 1000:.0f} ms {self.sent} B {self.request_id}"


def is_kept() -> bool:
    """Whether anybody wants the lines."""
    return log.isEnabledFor(logging.INFO)


def write(entry: Entry) -> None:
    """Log a request at INFO."""
    log.info("%s", entry)


class JsonLines(logging.Formatter):
    """Formats any record as one JSON object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the request's members where the record is about one."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        match record.args:
            case (Entry() as entry,):
                line |= entry._asdict() | {"seconds": round(entry.seconds, 6)}
            case _:
                line["message"] = record.getMessage()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
