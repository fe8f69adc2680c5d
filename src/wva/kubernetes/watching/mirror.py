"""The newest record of every object that matters, with listeners to what changes. In memory, without I/O or clock."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from wva.kubernetes.configuration.parse import Accepted, accept, is_settings
from wva.kubernetes.discovery import Cluster
from wva.kubernetes.objects.config_map import config_map
from wva.kubernetes.objects.inference_pool import InferencePool
from wva.kubernetes.objects.meta import Unreadable, meta
from wva.kubernetes.objects.node import Node
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.scaler import Scaler
from wva.kubernetes.objects.service import Service
from wva.kubernetes.objects.variant_autoscaling import VariantAutoscaling
from wva.kubernetes.objects.workload import ReplicaSet, Workload
from wva.kubernetes.view import View
from wva.kubernetes.watching.by_owner import ByOwner
from wva.kubernetes.watching.feeds import Feed
from wva.kubernetes.watching.kinds import Key, Kind, Record, projected
from wva.kubernetes.watching.shelf import Shelf

R = TypeVar("R", Pod, ReplicaSet)

Listener = Callable[[Kind, str, str, Record | None, Record | None], None]
"""Called with the kind, namespace and name of an object, and its record before and after; ``None`` is none."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer of an object's status has to know of it."""

    version: str
    """The ``resourceVersion`` that was read."""
    status: Mapping[str, Any]
    """Its status as it was read; empty where it has none."""


class Mirror:
    """What is known of the cluster. News may come in any order: what is older than what is known changes nothing."""

    def __init__(self) -> None:
        self._shelves: Mapping[Kind, Shelf[Any]] = {kind: Shelf() for kind in Kind}
        self._listed: set[Kind] = set()
        """Kinds that a whole list was read of."""
        self._unreadable: dict[tuple[Kind, Key], Unreadable] = {}
        self._statuses: dict[Key, Written] = {}
        """Of VariantAutoscalings."""
        self._pods = ByOwner[Pod](lambda pod: pod.owner)
        self._replica_sets = ByOwner[ReplicaSet](lambda found: found.meta.owner)
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have a listener called for every record that becomes another; the answer ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # News of the cluster

    def seen(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Take in an object as it is, by a watch or as the answer to a write."""
        about = body["metadata"]
        key, version = (about.get("namespace") or "", about["name"]), int(about["resourceVersion"])
        shelf = self._shelves[kind]
        if not shelf.is_news(key, version) or (kind is Kind.CONFIG_MAP and not is_settings(key[1])):
            return
        old: Record | None = shelf.get(key)
        new = self._record(kind, key, body)
        if kind is Kind.VARIANT_AUTOSCALING:
            self._statuses[key] = Written(about["resourceVersion"], body.get("status") or {})
        shelf.put(key, version, new)
        self._tell(kind, key, old, new)

    def gone(self, kind: Kind, namespace: str, name: str, version: str) -> None:
        """Take in that an object ended; ``version`` is that of its end."""
        key = (namespace, name)
        if self._shelves[kind].is_news(key, int(version)):
            self._end(kind, key, int(version))

    def listed(self, feed: Feed, present: Collection[Key], version: str) -> None:
        """Take in that a whole list was read as of a version, and with it that what is not in it has ended."""
        shelf = self._shelves[feed.kind]
        for key in shelf.among(feed.covers):
            if key not in present and shelf.version(key) <= int(version):
                self._end(feed.kind, key, int(version))
        self._listed.add(feed.kind)

    def forget(self, feed: Feed) -> None:
        """Know nothing more of what a list has: the API server has no such kind, or does not show it."""
        shelf = self._shelves[feed.kind]
        for key in shelf.among(feed.covers):
            # What is shown again may be as it was.
            self._end(feed.kind, key, shelf.version(key) - 1)
        self._listed.discard(feed.kind)

    def distrust(self, feed: Feed) -> None:
        """Take anything for news, as versions began again: the API server's data are older than they were."""
        shelf = self._shelves[feed.kind]
        shelf.distrust(shelf.among(feed.covers))

    # What is known

    def view(self) -> View:
        """Everything, as decisions look at it; it is to be looked at before anything else is taken in."""
        return View(self.cluster(), self.pods(), self.pods_of, self.replica_sets_of, self.nodes())

    def cluster(self) -> Cluster:
        """What discovery reads."""
        workloads = {
            (kind.value, *key): found
            for kind in (Kind.DEPLOYMENT, Kind.STATEFUL_SET)
            for key, found in self._shelves[kind].items()
        }
        return Cluster(
            variant_autoscalings=tuple(self._shelves[Kind.VARIANT_AUTOSCALING].records()),
            unreadable=tuple(each for (kind, _), each in self._unreadable.items() if kind is Kind.VARIANT_AUTOSCALING),
            scalers=self.scalers(),
            workloads=workloads,
            namespaces={found.name: found for found in self._shelves[Kind.NAMESPACE].records()},
            config_maps=self.config_maps(),
        )

    def config_maps(self) -> Mapping[Key, Accepted]:
        """WVA's settings, as they count now, by namespace and name."""
        return dict(self._shelves[Kind.CONFIG_MAP].items())

    def scalers(self) -> tuple[Scaler, ...]:
        """All HPAs and ScaledObjects, whoever they follow."""
        return (*self._shelves[Kind.HPA].records(), *self._shelves[Kind.SCALED_OBJECT].records())

    def variant_autoscaling(self, namespace: str, name: str) -> VariantAutoscaling | None:
        """One that can be read."""
        found: VariantAutoscaling | None = self._shelves[Kind.VARIANT_AUTOSCALING].get((namespace, name))
        return found

    def written(self, namespace: str, name: str) -> Written | None:
        """What to know before a VariantAutoscaling's status is written; ``None`` where it is not there."""
        return self._statuses.get((namespace, name))

    def workload(self, kind: Kind, namespace: str, name: str) -> Workload | None:
        """A Deployment or StatefulSet."""
        found: Workload | None = self._shelves[kind].get((namespace, name))
        return found

    def nodes(self) -> tuple[Node, ...] | None:
        """All nodes; ``None`` where they may not be read, or were not yet."""
        return tuple(self._shelves[Kind.NODE].records()) if Kind.NODE in self._listed else None

    def pods(self) -> Collection[Pod]:
        """All pods, WVA's business or not: others hold hardware too."""
        return tuple(self._shelves[Kind.POD].records())

    def pod(self, namespace: str, name: str) -> Pod | None:
        """One pod."""
        found: Pod | None = self._shelves[Kind.POD].get((namespace, name))
        return found

    def pods_of(self, uid: str) -> tuple[Pod, ...]:
        """Pods of the Deployment or StatefulSet with that uid, by owners and never by labels."""
        sets = self._replica_sets.of(uid)
        return (*self._pods.of(uid), *(pod for each in sets for pod in self._pods.of(each.meta.uid)))

    def replica_sets_of(self, uid: str) -> tuple[ReplicaSet, ...]:
        """Template revisions of the Deployment with that uid."""
        return tuple(self._replica_sets.of(uid))

    def service(self, namespace: str, name: str) -> Service | None:
        """One Service."""
        found: Service | None = self._shelves[Kind.SERVICE].get((namespace, name))
        return found

    def services(self) -> tuple[Service, ...]:
        """All of them."""
        return tuple(self._shelves[Kind.SERVICE].records())

    def inference_pools(self) -> tuple[InferencePool, ...]:
        """Those of both API groups."""
        return tuple(
            found
            for kind in (Kind.INFERENCE_POOL, Kind.OLDER_INFERENCE_POOL)
            for found in self._shelves[kind].records()
        )

    def unreadable(self) -> Mapping[tuple[Kind, Key], Unreadable]:
        """Objects that are there and cannot be read."""
        return dict(self._unreadable)

    def _end(self, kind: Kind, key: Key, version: int) -> None:
        shelf = self._shelves[kind]
        old: Record | None = shelf.get(key)
        shelf.end(key, version)
        self._unreadable.pop((kind, key), None)
        if kind is Kind.VARIANT_AUTOSCALING:
            self._statuses.pop(key, None)
        self._tell(kind, key, old, None)

    def _record(self, kind: Kind, key: Key, body: Mapping[str, Any]) -> Record | None:
        if kind is Kind.CONFIG_MAP:
            return accept(self._shelves[kind].get(key), config_map(body))
        found = projected(kind, body)
        if isinstance(found, str):
            self._unreadable[kind, key] = Unreadable(meta(body), found)
            return None
        self._unreadable.pop((kind, key), None)
        return found

    def _tell(self, kind: Kind, key: Key, old: Record | None, new: Record | None) -> None:
        if old == new:
            return
        if kind is Kind.POD:
            self._pods.changed(key, _as(Pod, old), _as(Pod, new))
        elif kind is Kind.REPLICA_SET:
            self._replica_sets.changed(key, _as(ReplicaSet, old), _as(ReplicaSet, new))
        for listener in tuple(self._listeners):
            listener(kind, *key, old, new)


def _as(wanted: type[R], record: Record | None) -> R | None:
    return record if isinstance(record, wanted) else None
