"""Answers that were dumped as YAML: read where PyYAML is installed (the extra ``yaml``), each document as JSON.

Only plain values are made of it, never objects: no tags, no aliases (which a hostile document would expand without end), no dates.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = re.compile(
    rb"^[ ]*(?:- )*(?:(?:max_stage|dag_id|node_id|task_id|execute_times|traceId): ?[^\s{\[]|[\w./-]+: (?:'[{\[]|\"[{\[]\\))", re.MULTILINE
)
_INDENTED = re.compile(rb"(?:^(?:[ ]+[^\n]*|[ \t]*)\n)+", re.MULTILINE)
_LARGEST = 1 << 24
"""Bytes of a text that is read: PyYAML takes some seconds for a megabyte."""
_PLAIN_TAGS = frozenset("tag:yaml.org,2002:" + name for name in ("null", "bool", "int", "float"))


def has_yaml(text: bytes) -> bool:
    """Return whether a text has keys of the task API as YAML writes them."""
    return _KEY.search(text) is not None


def yaml_documents(text: bytes) -> Iterator[bytes]:
    """Yield the documents of a text in YAML as JSON. If the whole text is not YAML, yield those of its indented stretches."""
    if len(text) > _LARGEST:
        return
    whole = list(_documents(text))
    if whole:
        yield from whole
        return
    for stretch in _INDENTED.finditer(text + b"\n"):
        if has_yaml(stretch[0]):
            yield from _documents(textwrap.dedent(stretch[0].decode(errors="replace")).encode())


def _documents(text: bytes) -> Iterator[bytes]:
    try:
        import yaml
    except ImportError:
        return
    try:
        for value in yaml.load_all(text.decode(errors="replace"), Loader=_plain_loader()):
            if isinstance(value, (dict, list)):
                yield msgspec.json.encode(value)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return


def _plain_loader() -> Any:
    """Return PyYAML's safe loader without aliases and dates."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Makes plain values alone."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("an alias")
            return super().compose_node(parent, index)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag in _PLAIN_TAGS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader
