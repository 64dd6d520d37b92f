"""Responses of Prometheus' API that are well-formed HTTP, and not what was asked for."""

import json
from typing import Any

from tests.hostile.case import Case, head, once, sent, whole

_UP = {"__name__": "up", "job": "shop", "instance": "shop:80"}
_HUGE = "9" * 5000


def _says(name: str, document: Any) -> Case:
    return _text(name, json.dumps(document))


def _text(name: str, text: str) -> Case:
    return once(name, lambda: whole(text.encode(), "Content-Type: application/json"))


def _data(name: str, data: Any, **beside: Any) -> Case:
    return _says(name, {"status": "success", "data": data, **beside})


def _vector(name: str, *values: Any) -> Case:
    result = [{"metric": _UP, "value": value} for value in values]
    return _data(name, {"resultType": "vector", "result": result})


def _matrix(name: str, *values: Any) -> Case:
    result = [{"metric": _UP, "values": each} for each in values]
    return _data(name, {"resultType": "matrix", "result": result})


def _scalar(name: str, value: Any) -> Case:
    return _data(name, {"resultType": "scalar", "result": value})


def _targets(name: str, *targets: Any) -> Case:
    return _data(name, {"activeTargets": list(targets), "resultType": "vector", "result": []})


_SHAPES = [
    _says("no object", []),
    _says("a number", 1),
    _says("null", None),
    _says("an empty object", {}),
    _says("no data", {"status": "success"}),
    _data("data that is null", None),
    _data("data that is a list", []),
    _data("data that is a text", "up"),
    _data("data without a result", {"resultType": "vector"}),
    _data("a result that is null", {"resultType": "vector", "result": None}),
    _data("a result that is an object", {"resultType": "vector", "result": {"metric": {}}}),
    _data("a result of numbers", {"resultType": "vector", "result": [1, 2]}),
    _data("a result of nulls", {"resultType": "vector", "result": [None]}),
    _data("a resultType that is a number", {"resultType": 1, "result": []}),
    _data("a resultType that nobody knows", {"resultType": "histogram", "result": []}),
    _data("an error beside data", {"resultType": "vector", "result": []}, error="no", warnings=1),
    _data("warnings that are a text", {"resultType": "vector", "result": []}, warnings="odd"),
    _data("warnings of numbers", {"resultType": "vector", "result": []}, warnings=[1, None]),
    _data("100,000 warnings", {"resultType": "vector", "result": []}, warnings=["odd"] * 100_000),
    _data("a warning with a command", {"resultType": "matrix", "result": []},
          warnings=["\n::error::odd\u001b[2J"]),
    _data("isPartial that is a text", {"resultType": "vector", "result": []}, isPartial="no"),
    _says("the status error, with data", {"status": "error", "errorType": "x", "error": "odd",
                                          "data": {"resultType": "vector", "result": []}}),
    _text("the same key twice", '{"status": "success", "data": 1, "data": {"result": []}}'),
    _text("a text with a lone surrogate", '{"data": {"result": [{"metric": {"a": "\\ud800"}}]}}'),
]  # fmt: skip
_VALUES = [
    _vector("a value that is no pair", 1),
    _vector("a value of one", [1]),
    _vector("a value of null", [1, None]),
    _vector("a value that is a list", [1, [2]]),
    _vector("a value that is no number", [1, "soon"]),
    _vector("an empty value", [1, ""]),
    _vector("a value of NaN", [1, "NaN"]),
    _vector("a value of +Inf", [1, "+Inf"]),
    _vector("a value of -Inf", [1, "-Inf"]),
    _vector("a value of 1e999", [1, "1e999"]),
    _vector("a value of 1e308", [1, "1e308"]),
    _vector("a value of 5,000 digits", [1, _HUGE]),
    _vector("a value that is true", [1, True]),
    _vector("a value in the year 1e300", [1e300, "1"]),
    _vector("a value before time", [-1e300, "1"]),
    _data("a vector without metrics", {"resultType": "vector", "result": [{"value": [1, "1"]}]}),
    _data("a metric that is a list",
          {"resultType": "vector", "result": [{"metric": [], "value": [1, "1"]}]}),
    _data("labels that are numbers",
          {"resultType": "vector", "result": [{"metric": {"job": 1}, "value": [1, "1"]}]}),
    _matrix("samples that are no list", 1),
    _matrix("samples of null", [None]),
    _matrix("samples of one", [[1]]),
    _matrix("samples of three", [[1, "1", "1"]]),
    _matrix("samples out of order", [[9, "1"], [1, "1"], [5, "1"]]),
    _matrix("samples at one moment", [[1, "1"]] * 9),
    _matrix("samples of the future", [[1e11, "1"], [2e11, "1"]]),
    _matrix("samples at NaN", [["NaN", "1"], ["+Inf", "1"]]),
    _matrix("samples of infinities", [[1, "+Inf"], [2, "-Inf"], [3, "NaN"]]),
    _matrix("infinities of two series", [[9e9, "+Inf"]], [[9e9, "-Inf"]]),
    _matrix("the largest numbers of two series", [[9e9, "1e308"]], [[9e9, "1e308"]]),
    _matrix("no samples", []),
    _data("histograms for samples", {"resultType": "matrix", "result": [
        {"metric": _UP, "histograms": [[1, {"count": "1", "sum": "1", "buckets": []}]]}]}),
    _scalar("a scalar that is null", None),
    _scalar("a scalar of one", [1]),
    _scalar("a scalar of NaN", [1, "NaN"]),
    _scalar("a scalar of +Inf", [1, "+Inf"]),
    _scalar("a scalar of 1e308", [1, "1e308"]),
    _scalar("a scalar of objects", [{}, {}]),
    _data("a string", {"resultType": "string", "result": [1, "odd"]}),
    _targets("targets without labels", {}),
    _targets("targets of null", None),
    _targets("a scrape interval of 5,000 digits", {"scrapeInterval": f"{_HUGE}s"}),
    _targets("a scrape interval of 400 digits", {"scrapeInterval": f"{_HUGE[:400]}h"}),
    _targets("a scrape interval of 99 years",
             {"scrapeInterval": "867240h", "labels": {"job": "shop"}}),
    _targets("a scrape interval of none", {"scrapeInterval": "0s", "labels": {"job": "shop"}}),
    _targets("a scrape interval of words", {"scrapeInterval": "often"}),
    _targets("labels that are a list", {"labels": []}),
    _data("a version that is an object", {"version": {}, "resultType": "vector", "result": [1]}),
]  # fmt: skip
_PAGES = [
    once("a login page", lambda: whole(b"<html>Sign in</html>" * 99, "Content-Type: text/html")),
    sent("an error in HTML", head("Content-Type: text/html", "Content-Length: 11",
                                  status="500 Internal Server Error"), b"<b>odd</b>\n"),
    sent("an error of 99,999 characters", head("Content-Type: text/plain", "Content-Length: 99999",
                                               status="503 Service Unavailable"), b"x" * 99_999),
    sent("an error with a command", head("Content-Type: text/plain", "Content-Length: 29",
                                         status="422 Unprocessable Entity"),
         b"\n::error::odd\n##[group]odd\n\x1b[2J"),
    sent("an error without a type", head("Content-Length: 13", status="400 Bad Request"),
         b'{"error": []}'),
]  # fmt: skip
PROMETHEUS = [*_SHAPES, *_VALUES, *_PAGES]
