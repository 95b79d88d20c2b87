"""One JSON object per line on stderr. Fields are chosen where an event is logged: never a token,
a code, a password or an assertion.
"""

import json
import logging
import sys
from datetime import UTC, datetime

log = logging.getLogger("sandbox_idp")
FIELDS = ("client", "user", "grant", "error", "detail", "kid", "url", "mappers")


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": "idp",
            "event": record.getMessage(),
            **{name: getattr(record, name) for name in FIELDS if hasattr(record, name)},
        }
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def configure() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
