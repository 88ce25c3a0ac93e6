"""Values that a database or a protocol wraps in their types: ``{"$numberInt": "1"}``, ``{"S": "…"}``, ``{"stringValue": "…"}``.

MongoDB's canonical extended JSON, DynamoDB's items, the attributes of OpenTelemetry, Firestore's documents and Avro's unions have such
values. An object is unwrapped if its only key is a type, and only in a text in which a type of that family wraps a field of the task API.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from daganalysis.reading.json_repair import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MARKS = (b'"$number', b'"S"', b'Value"', b'"string"', b'"@value"')
"""Of each family the type that an answer wrapped in it is sure to have."""
_FIELDS = rb"id|generic_id|dag_id|node_id|task_id|name|state|operator|stage|max_stage|execute_times|successful|status|traceId"
_WRAPPED_FIELD = re.compile(rb'(?:"key"\s*:\s*)?"(?:' + _FIELDS + rb')"\s*(?:,\s*"value"\s*)?:\s*\{\s*"([$@\w]{1,20})"\s*:')
_SAMPLE_BYTES = 1 << 16
"""Bytes of a text's beginning in which a wrapped field is looked for: where one value has its type, all have."""
_NUMBER = re.compile(r"-?\d{1,19}(?:\.\d{1,20})?")


def _number(value: Any) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def _nothing(_: Any) -> None:
    return None


def _same(value: Any) -> Any:
    return value


def _values(value: Any) -> Any:
    return value.get("values", []) if isinstance(value, dict) else value


def _pairs(value: Any) -> Any:
    values = _values(value)
    if isinstance(values, list) and all(isinstance(item, dict) and "key" in item for item in values):
        return {str(item["key"]): item.get("value") or None for item in values}
    return values


def _fields(value: Any) -> Any:
    return value.get("fields", {}) if isinstance(value, dict) else value


_Types = dict[str, "Callable[[Any], Any]"]
_MONGO: _Types = dict.fromkeys(("$numberInt", "$numberLong", "$numberDouble", "$numberDecimal"), _number) | {"$date": _same, "$oid": _same}
_DYNAMO: _Types = {"S": _same, "N": _number, "BOOL": _same, "NULL": _nothing, "M": _same, "L": _same, "SS": _same, "NS": _same}
_PROTOBUF: _Types = dict.fromkeys(("stringValue", "boolValue", "booleanValue", "timestampValue"), _same)
_PROTOBUF |= dict.fromkeys(("intValue", "integerValue", "doubleValue"), _number)
_PROTOBUF |= {"nullValue": _nothing, "arrayValue": _values, "kvlistValue": _pairs, "mapValue": _fields}
_AVRO: _Types = dict.fromkeys(("string", "int", "long", "float", "double", "boolean", "array", "map"), _same)
_FAMILIES: tuple[_Types, ...] = (_MONGO, _DYNAMO, _PROTOBUF, _AVRO, {"@value": _same})


def without_types(text: bytes) -> bytes | None:
    """Return a JSON text with its values unwrapped; None for one in which no field of the task API is wrapped in a type.

    >>> without_types(b'{"id": {"S": "11"}, "max_stage": {"N": "2"}, "nodes": {"NULL": true}}')
    b'{"id":"11","max_stage":2,"nodes":null}'
    >>> without_types(b'{"id": "11", "additional_data": {"S": "x"}}')
    """
    types = _types_of(text)
    if types is None:
        return None
    try:
        return msgspec.json.encode(_unwrapped(msgspec.json.decode(text), types))
    except NOT_JSON:
        return None


def _types_of(text: bytes) -> Mapping[str, Callable[[Any], Any]] | None:
    sample = text[:_SAMPLE_BYTES]
    if not any(mark in sample for mark in _MARKS):
        return None
    found = _WRAPPED_FIELD.search(sample)
    if found is None:
        return None
    name = found[1].decode()
    return next((types for types in _FAMILIES if name in types), None)


def _unwrapped(value: Any, types: Mapping[str, Callable[[Any], Any]]) -> Any:
    """Return a value without the wrappers around it and around each value in it."""
    if isinstance(value, dict) and len(value) == 1:
        (name, inner), *_ = value.items()
        value = types[name](inner) if name in types else value
    if isinstance(value, list):
        return [_unwrapped(item, types) for item in value]
    return {name: _unwrapped(item, types) for name, item in value.items()} if isinstance(value, dict) else value
