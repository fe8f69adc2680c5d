"""How series are told apart, and joined with what they are of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class JoinBy(StrEnum):
    """What of an instance the labels of its series hold."""

    ADDRESS = "address"
    """Host and port of its URL."""
    ID = "id"
    """The instance's id, such as the name of its pod."""
    POD = "pod"
    """Its namespace and pod: instances are called ``namespace/pod``, and models ``namespace/name``."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How series are told apart and joined with instances."""

    instance: str = "instance"
    """Label that names the scraped instance, of engines and of gateways. Joined by pod, what stands behind its last
    colon tells the servers of one pod apart: their figures are added up."""
    join_by: JoinBy = JoinBy.ADDRESS
    namespace: str = "namespace"
    """Label of the namespace that a pod is in, where instances are joined by pod: the one that scraping adds."""
    pod: str = "pod"
    """Label of its name."""
    scraped_by: tuple[str, ...] = ("job", "prometheus", "prometheus_replica")
    """Labels by which several scrapes of one instance differ. One of them is taken, never their sum."""
    selector: str = ""
    """More that series must have, as in PromQL: ``namespace="prod",cluster="eu"``."""

    @property
    def identity(self) -> tuple[str, ...]:
        """Labels that say which instance a series is of."""
        return (self.namespace, self.pod, self.instance) if self.join_by is JoinBy.POD else (self.instance,)

    def engine(self, labels: Mapping[str, str]) -> tuple[str, str] | None:
        """The instance that a series is of, and which of its servers; ``None`` where it does not say."""
        scraped = labels.get(self.instance)
        if self.join_by is not JoinBy.POD:
            return None if scraped is None else (scraped, "")
        namespace, pod = labels.get(self.namespace), labels.get(self.pod)
        if not namespace or not pod:
            return None
        return f"{namespace}/{pod}", (scraped or "").rpartition(":")[2]

    def model(self, labels: Mapping[str, str]) -> str | None:
        """The model that a gateway's series is of: the one that a request was sent on for, or else was asked for.

        ``None`` where it does not say. A gateway's own labels know no namespace: it is the one that it runs in.
        """
        name = labels.get("target_model_name") or labels.get("model_name")
        if not name or self.join_by is not JoinBy.POD:
            return name or None
        namespace = labels.get(self.namespace)
        return f"{namespace}/{name}" if namespace else None

    def scraper(self, labels: Mapping[str, str]) -> str:
        """Who scraped a series."""
        return "\n".join(labels.get(label, "") for label in self.scraped_by)
