"""What the controller remembers, as texts that its successor reads: one document or more for each namespace.

A document is JSON: a version, and by section what is known by name. Documents of another version are passed over.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wva.kubernetes.ownership import Truce
from wva.kubernetes.picture import Remembered
from wva.kubernetes.shortage import Shortage, Shortages, Waits
from wva.record.column import column

VERSION = 1
"""Layout of a document."""
CLUSTER = "_cluster"
"""Key of what belongs to no namespace: none is called so."""
LARGEST_DOCUMENT = 200_000
"""Bytes of a document from which another is begun. What one object has to say is far less."""

Declared = tuple[str, str, str]
"""Kind, namespace and name of an object that declares a variant."""


@dataclass(frozen=True, slots=True)
class Kept:
    """All that outlives a process in the cluster, but for what objects say themselves."""

    remembered: Remembered = field(default_factory=Remembered)
    said: Mapping[Declared, Mapping[str, Any]] = field(default_factory=dict)
    """What is said of variants whose objects have no status of ours, as a status."""


def lasting(remembered: Remembered) -> Remembered:
    """What is to be kept of what is remembered: without that which changes while nothing happens.

    What followers remember is seen again soon; a successor watches for itself since when a model has no request.
    """
    return replace(remembered, followers={}, quiet={})


def encode(kept: Kept) -> dict[str, str]:
    """Documents by key; every key may stand in a ConfigMap."""
    items = defaultdict[str, list[tuple[str, str, Any]]](list)
    for section, name, group, value in _items(kept):
        items[group].append((section, name, value))
    documents = {}
    for group, own in items.items():
        for place, part in enumerate(_parts(sorted(own, key=lambda item: item[:2]))):
            documents[f"{group}.{place}" if place else group] = part
    return documents


def decode(documents: Mapping[str, str]) -> tuple[Kept, tuple[str, ...]]:
    """What the documents say, and what of them is not taken, one line each."""
    notices: list[str] = []
    found = defaultdict[str, dict[str, Any]](dict)
    for key, text in sorted(documents.items()):
        body = _body(text)
        if isinstance(body, str):
            notices.append(f"{key}: {body}")
            continue
        for section, values in body.items():
            if isinstance(values, dict):
                found[section] |= values
    read = {section: _values(section, kind, found, notices) for section, kind in _KINDS.items()}
    said = {declared: status for name, status in read[_SAID].items() if (declared := _declared(name)) is not None}
    remembered = Remembered(
        truces=read[_TRUCES],
        published=read[_PUBLISHED],
        shortages=Shortages(waits=read[_WAITS], open=read[_SHORTAGES]),
    )
    return Kept(remembered, said), tuple(notices)


_TRUCES, _PUBLISHED, _SAID = "truces", "published", "said"
_WAITS, _SHORTAGES = "waits", "shortages"
_KINDS: Mapping[str, Any] = {
    _TRUCES: Truce,
    _PUBLISHED: int,
    _SAID: dict[str, Any],
    _WAITS: Waits,
    _SHORTAGES: Shortage,
}


def _items(kept: Kept) -> Iterator[tuple[str, str, str, Any]]:
    """Section, name, the group of documents that it goes into, and the value as plain data."""
    known = kept.remembered
    of_namespaces = {_TRUCES: known.truces, _PUBLISHED: known.published}
    for section, values in of_namespaces.items():
        for name, value in values.items():
            yield section, name, name.partition("/")[0], _plain(section, value)
    for section, values in {_WAITS: known.shortages.waits, _SHORTAGES: known.shortages.open}.items():
        for name, value in values.items():
            yield section, name, CLUSTER, _plain(section, value)
    for declared, status in kept.said.items():
        yield _SAID, "/".join(declared), declared[1], status


def _declared(name: str) -> Declared | None:
    kind, _, place = name.partition("/")
    namespace, slash, own = place.partition("/")
    return (kind, namespace, own) if slash else None


def _plain(section: str, value: Any) -> Any:
    return json.loads(column(_KINDS[section]).encode(value))


def _parts(items: Iterable[tuple[str, str, Any]]) -> Iterator[str]:
    """As many documents as it takes to keep each within its size."""
    body: dict[str, Any] = {"version": VERSION}
    size = 0
    for section, name, value in items:
        bytes_ = len(json.dumps(value)) + len(name)
        if size and size + bytes_ > LARGEST_DOCUMENT:
            yield _text(body)
            body, size = {"version": VERSION}, 0
        body.setdefault(section, {})[name] = value
        size += bytes_
    if size:
        yield _text(body)


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))


def _body(text: str) -> dict[str, Any] | str:
    """A document's sections, or why it is not taken."""
    try:
        body = json.loads(text)
    except ValueError:
        return "is no JSON"
    if not isinstance(body, dict):
        return "is no JSON object"
    version = body.get("version")
    return body if version == VERSION else f"is of version {version}, and {VERSION} is read here"


def _values(section: str, kind: Any, found: Mapping[str, Mapping[str, Any]], notices: list[str]) -> dict[str, Any]:
    values = {}
    for name, value in found.get(section, {}).items():
        try:
            values[name] = column(kind).decode_plain(value)
        except ValueError:
            notices.append(f"{section} of {name}: is no {getattr(kind, '__name__', 'mapping')}")
    return values
