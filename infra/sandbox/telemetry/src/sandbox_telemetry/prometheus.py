"""Metrics as Prometheus answers for them: names, label values, series, and the value now.

Plain selectors only; a rate needs what this stand-in does not keep, the values of before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox_telemetry.points import number
from sandbox_telemetry.selector import NotPlainError, parse
from sandbox_telemetry.series import Sample, SeriesStore


def _success(data: Any) -> JSONResponse:
    return JSONResponse({"status": "success", "data": data})


def _error(status: int, kind: str, message: str) -> JSONResponse:
    return JSONResponse({"status": "error", "errorType": kind, "error": message}, status)


@dataclass(frozen=True)
class Prometheus:
    series: SeriesStore

    async def label_values(self, request: Request) -> JSONResponse:
        label = request.path_params["label"]
        try:
            found = self._matching(request.query_params.getlist("match[]") or None)
        except NotPlainError as error:
            return _error(422, "execution", str(error))
        values = {dict(sample.labels).get(label) for sample in found}
        return _success(sorted(value for value in values if value))

    async def known_series(self, request: Request) -> JSONResponse:
        selectors = request.query_params.getlist("match[]")
        if not selectors:
            return _error(400, "bad_data", "no match[] parameter provided")
        try:
            return _success([dict(sample.labels) for sample in self._matching(selectors)])
        except NotPlainError as error:
            return _error(422, "execution", str(error))

    async def query(self, request: Request) -> JSONResponse:
        written = request.query_params.get("query", "")
        if not written.strip():
            return _error(400, "bad_data", 'invalid parameter "query": it is empty')
        try:
            found = self._matching([written])
        except NotPlainError as error:
            return _error(422, "execution", str(error))
        result = [
            {"metric": dict(one.labels), "value": [round(one.at, 3), number(one.value)]}
            for one in found
        ]
        return _success({"resultType": "vector", "result": result})

    def _matching(self, selectors: list[str] | None) -> Iterable[Sample]:
        if selectors is None:
            return list(self.series.select({}))
        wanted = [parse(one) for one in selectors]
        return {s.labels: s for one in wanted for s in self.series.select(one)}.values()


def refused(_: Request, error: Exception) -> JSONResponse:
    """An HTTPException below /api as those backends word it."""
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this type alone
    return _error(error.status_code, "bad_data", error.detail)
