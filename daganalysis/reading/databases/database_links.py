"""Ids of other DAGs in a task's context, by a white list. Nothing else in a context is kept, because it may hold passwords.

A context is JSON, in base64 until the row is first updated (obshell's service/task/convert.go). The API shows some of its entries as
``additional_data`` (engine/task/task_dto.go; executor/ob/sub_dag.go, start_obsvr.go, scale_out.go); the same keys are made here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

import msgspec

_ID = re.compile(r"[0-9]{1,64}", re.ASCII)
_UUID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_AGENT = re.compile(r"\[?[0-9A-Za-z.:]{1,64}\]?:[0-9]{1,5}", re.ASCII)
_MARKS = (b"mainDagId", b"subDagInfo", b"scaleOutUUID")


class _SubDag(msgspec.Struct):
    # The engine's own spelling.
    genecric_id: str | None = None


class _Params(msgspec.Struct, rename="camel"):
    main_dag_id: str | None = None
    scale_out_uuid: str | None = msgspec.field(default=None, name="scaleOutUUID")


class _OfAgent(msgspec.Struct, rename="camel"):
    sub_dag_info: _SubDag | None = None


class _Context(msgspec.Struct):
    """The part of a context that is decoded. The rest is skipped."""

    Params: _Params | None = None
    AgentData: dict[str, _OfAgent] | None = None


_decoder = msgspec.json.Decoder(_Context)


def link_keys(context: bytes | None) -> str | None:
    """Return the ids of other DAGs that a context holds, as JSON text in the keys of the API's ``additional_data``; None without any.

    >>> link_keys(b'{"Params":{"mainDagId":"22130706433028869","rootPwd":"s3cret"},"Data":{}}')
    '{"main_dag_id":"22130706433028869"}'
    """
    text = _plain(context)
    if text is None or not any(mark in text for mark in _MARKS):
        return None
    try:
        found = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    data: dict[str, object] = {}
    params = found.Params or _Params()
    if params.main_dag_id and _ID.fullmatch(params.main_dag_id):
        data["main_dag_id"] = params.main_dag_id
    if params.scale_out_uuid and _UUID.fullmatch(params.scale_out_uuid):
        data["scaleOutUUID"] = params.scale_out_uuid
    children = {
        agent: own.sub_dag_info.genecric_id
        for agent, own in (found.AgentData or {}).items()
        if own.sub_dag_info is not None and _AGENT.fullmatch(agent) and _ID.fullmatch(own.sub_dag_info.genecric_id or "")
    }
    if children:
        data["sub_dags"] = dict(sorted(children.items()))
    return json.dumps(data, separators=(",", ":")) if data else None


def _plain(context: bytes | None) -> bytes | None:
    if not context:
        return None
    if context[:1] == b"{":
        return context
    try:
        return base64.b64decode(context, validate=True)
    except (binascii.Error, ValueError):
        return None


def merged_links(texts: list[str]) -> str | None:
    """Merge the link keys of several rows as the API merges additional data: children together, of the rest the last one.

    >>> merged_links(['{"sub_dags":{"192.0.2.1:2886":"21"}}', '{"sub_dags":{"192.0.2.2:2886":"22"}}'])
    '{"sub_dags":{"192.0.2.1:2886":"21","192.0.2.2:2886":"22"}}'
    """
    merged: dict[str, object] = {}
    children: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        data = json.loads(text)
        children.update(data.pop("sub_dags", {}))
        merged.update(data)
    if children:
        merged["sub_dags"] = dict(sorted(children.items()))
    return json.dumps(merged, separators=(",", ":"), sort_keys=True) if merged else None
