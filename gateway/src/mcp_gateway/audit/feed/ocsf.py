"""A record as an OCSF event: API Activity, class 6003, of schema 1.3.0. Pure.

What the schema has no place for stands in `unmapped`, so that nothing of a record is lost on the
way. `metadata.uid` names the record for ever: an event that comes twice has it twice.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

SCHEMA = "1.3.0"
CATEGORY, CLASS = 6, 6003
PRODUCT = {"name": "MCP gateway", "vendor_name": "MCP in Production", "feature": {"name": "ledger"}}

READ, OTHER = 2, 99  # what a tool does is the server's to know; reading a resource is reading
READS = ("resources/read", "prompts/get", "completion/complete")
SUCCESS, FAILURE, UNKNOWN = 1, 2, 0
INFORMATIONAL, LOW, MEDIUM = 1, 2, 3
FAILED = ("failed", "tool_error", "refused", "cancelled")
MAPPED = frozenset(
    {
        "ts", "rid", "iss", "sub", "person", "agent", "method", "server", "tool", "status",
        "reason", "latency_ms", "trace", "kind", "replica", "roles",
    }
)  # fmt: skip


def event(day: str, segment: str, seq: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """Required attributes always, whatever the record lacks."""
    kind = _text(body.get("kind")) or "record"
    method = _text(body.get("method"))
    activity = READ if method in READS else OTHER
    status, severity = _status(body, kind)
    rid = _text(body.get("rid"))
    made: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": "Read" if activity == READ else kind,
        "category_uid": CATEGORY,
        "category_name": "Application Activity",
        "class_uid": CLASS,
        "class_name": "API Activity",
        "type_uid": CLASS * 100 + activity,
        "time": _milliseconds(body.get("ts"), day),
        "severity_id": severity,
        "status_id": status,
        "message": _message(body, kind),
        "metadata": {
            "version": SCHEMA,
            "product": PRODUCT,
            "uid": f"{segment}/{seq}",
            "log_name": kind,
            "sequence": seq,
        },
        "actor": _actor(body),
        "api": _api(body, method or _text(body.get("reason")) or kind, rid),
        "src_endpoint": {
            "name": _text(body.get("agent")) or _text(body.get("replica")) or "unknown"
        },
        "unmapped": {"day": day, **{k: v for k, v in body.items() if k not in MAPPED}},
    }
    for name, value in (
        ("status", _text(body.get("status"))),
        ("status_detail", _text(body.get("reason"))),
        ("duration", _whole(body.get("latency_ms"))),
    ):
        made |= {} if value is None else {name: value}
    if (replica := _text(body.get("replica"))) is not None:
        made["dst_endpoint"] = {"svc_name": "mcp-gateway", "instance_uid": replica}
    if (correlated := rid or _text(body.get("trace"))) is not None:
        made["metadata"]["correlation_uid"] = correlated
    if (trace := _text(body.get("trace"))) is not None:
        made["unmapped"]["trace_id"] = trace
    return made


def _status(body: Mapping[str, Any], kind: str) -> tuple[int, int]:
    status = body.get("status")
    if kind == "refusal" or body.get("decision") in ("deny", "limit"):
        return FAILURE, LOW
    if status == "ok":
        return SUCCESS, INFORMATIONAL
    if status in FAILED:
        return FAILURE, INFORMATIONAL if status == "cancelled" else MEDIUM
    return UNKNOWN, INFORMATIONAL


def _actor(body: Mapping[str, Any]) -> dict[str, Any]:
    name, subject = _text(body.get("person")), _text(body.get("sub"))
    user: dict[str, Any] = {}
    if name is not None:
        user["name"] = name
    if subject is not None:
        user["uid"] = subject
    if (issuer := _text(body.get("iss"))) is not None:
        user["domain"] = issuer
    if isinstance(roles := body.get("roles"), list):
        user["groups"] = [{"name": role} for role in roles if isinstance(role, str)]
    if name is None and subject is None:  # an event of the gateway itself
        user["name"] = "gateway"
    own = name is None and subject is None
    user["type_id"] = 3 if own or body.get("service") else 1  # System or User
    actor: dict[str, Any] = {"user": user}
    if (agent := _text(body.get("agent"))) is not None:
        actor["app_name"] = agent
    return actor


def _api(body: Mapping[str, Any], operation: str, rid: str | None) -> dict[str, Any]:
    tool, server = _text(body.get("tool")), _text(body.get("server"))
    api: dict[str, Any] = {"operation": f"{operation} {tool}" if tool else operation}
    if server is not None:
        api["service"] = {"name": server}
    if rid is not None:
        api["request"] = {"uid": rid}
    if "status" in body:
        api["response"] = {"message": str(body["status"])}
        if body["status"] != "ok" and (reason := _text(body.get("reason"))) is not None:
            api["response"]["error"] = reason
    return api


def _message(body: Mapping[str, Any], kind: str) -> str:
    target = ".".join(filter(None, (_text(body.get("server")), _text(body.get("tool")))))
    words = (kind, target or body.get("method"), body.get("status") or body.get("reason"))
    return " ".join(word for word in words if isinstance(word, str) and word)


def _milliseconds(value: object, day: str) -> int:
    """Epoch milliseconds; the record's day where it has no time."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    return int(moment.timestamp() * 1000)


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if abs(value) < 1e15 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
