"""The place of checkpoints by its name: a directory, or a bucket with Object Lock."""

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from mcp_gateway.audit.checkpoints.directory import Directory
from mcp_gateway.audit.checkpoints.place import Place, PlaceError

RETAIN_DAYS = 400  # a year, and time to audit it
LOCKS = ("compliance", "governance", "none")


def opened(url: str) -> Place:
    """A path, or `s3://bucket/prefix?lock=compliance&days=400`.

    Raises:
        PlaceError: it is neither.

    """
    if not url.startswith("s3://"):
        if "://" in url:
            raise PlaceError(f"{url}: expected a directory or s3://bucket/prefix")
        return Directory(Path(url))
    # its library takes half a second to load
    from mcp_gateway.audit.checkpoints.bucket import Bucket

    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    lock, days = options.pop("lock", LOCKS[0]), options.pop("days", str(RETAIN_DAYS))
    if options or lock not in LOCKS or not days.isdecimal() or not parts.netloc:
        raise PlaceError(f"{url}: expected s3://bucket/prefix?lock={'|'.join(LOCKS)}&days=N")
    return Bucket(parts.netloc, parts.path.strip("/"), lock, int(days))
