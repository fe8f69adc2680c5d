"""The controller's static settings: one name each for flag, environment variable and key of the file.

Names and defaults are the reference's, but for three that are on here: the metrics endpoint, because followers read it;
leader election, because two that act at once undo each other; and acting, which is off until somebody asks for it.
Names with ``WVA_`` that the reference does not have are our own.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from wva.fleet.model import Objectives
from wva.kubernetes.election import ElectionSettings
from wva.kubernetes.inventory import PoolPolicy, Pools
from wva.kubernetes.orders import Act
from wva.kubernetes.scope import Scope
from wva.kubernetes.settings_values import (
    Address,
    Interval,
    Level,
    Listen,
    LogLevel,
    MetricsSource,
    PerMinute,
    PoolSpecs,
    Span,
)
from wva.kubernetes.shortage import Patience
from wva.prometheus.connection import Connection

HOME = "workload-variant-autoscaler-system"
LEASE = "72dd1cf1.llm-d.ai"


class Settings(BaseModel):
    """All of them. A field's key is its name in capitals; durations are in seconds."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=str.upper,
        populate_by_name=True,
        coerce_numbers_to_str=True,
        str_strip_whitespace=True,
    )

    metrics_bind_address: Listen = Address("", 8443)
    metrics_secure: bool = True
    """TLS, and only for those whom the API server lets read ``/metrics``."""
    metrics_cert_path: Path | None = None
    """Directory of the certificate; without one, the server makes its own."""
    metrics_cert_name: str = "tls.crt"
    metrics_cert_key: str = "tls.key"
    health_probe_bind_address: Listen = Address("", 8081)

    leader_elect: bool = True
    leader_election_id: str | None = None
    """Name of the Lease; without one, the reference's, with the instance in front where there is one."""
    leader_election_lease_duration: Span = 15.0
    leader_election_renew_deadline: Span = 10.0
    leader_election_retry_period: Span = 2.0
    rest_client_timeout: Span = 10.0

    pod_namespace: str = HOME
    """The controller's own, in which its Lease and the global ConfigMaps are."""
    pod_name: str | None = None
    watch_namespace: str | None = None
    """The only one that is looked at."""
    controller_instance: str | None = None
    pool_group: Literal["inference.networking.k8s.io", "inference.networking.x-k8s.io"] | None = None
    """API group of InferencePools; without one, both."""
    wva_node_selector: str | None = None
    """Labels of the nodes whose GPUs count, as ``kubectl -l`` takes them."""
    log_level: Level = LogLevel.INFO

    prometheus_base_url: str | None = None
    prometheus_allow_http: bool = False
    prometheus_bearer_token: str | None = Field(default=None, repr=False)
    prometheus_token_path: Path | None = None
    """Goes before the token that is given as such, and is read again because tokens rotate."""
    prometheus_tls_insecure_skip_verify: bool = False
    prometheus_ca_cert_path: Path | None = None
    prometheus_client_cert_path: Path | None = None
    prometheus_client_key_path: Path | None = None
    prometheus_server_name: str | None = None
    epp_metric_reader_bearer_token: str | None = Field(default=None, repr=False)
    """Shown to endpoint pickers; without one, the controller's own."""

    global_opt_interval: Interval = 15.0
    wva_scale_to_zero: bool = False
    """Of models of which no ConfigMap says it."""
    wva_metrics_source: MetricsSource | None = None
    """Without one, the Prometheus server where there is its address."""
    wva_objective_ttft: Span | None = None
    """Objectives of models that declare none."""
    wva_objective_tpot: Span | None = None
    wva_act: Act = Act.ADVISORY
    """Of variants of which no annotation says it."""
    wva_max_replicas_per_minute: PerMinute = None
    """Replicas that are added or removed in any minute at most."""
    wva_max_gpus_per_minute: PerMinute = None
    wva_pools: PoolSpecs = Field(default_factory=dict)
    """By accelerator; ``default`` is of all others."""
    wva_provisioning_patience: Span = Patience().unlearned_s
    """For which a pod may wait for a node before its hardware counts as out of stock, until waits were measured."""
    wva_journal_dir: Path | None = None
    """Where decisions are recorded; without one, nowhere."""

    @property
    def metrics_from(self) -> MetricsSource:
        """Who measures the fleet."""
        usual = MetricsSource.PROMETHEUS if self.prometheus_base_url else MetricsSource.DIRECT
        return self.wva_metrics_source or usual

    @property
    def objectives(self) -> Objectives | None:
        """Of models that declare none; ``None`` leaves it to the program."""
        if self.wva_objective_ttft is None or self.wva_objective_tpot is None:
            return None
        return Objectives(self.wva_objective_ttft, self.wva_objective_tpot)

    @property
    def scope(self) -> Scope:
        """Which objects are the controller's business."""
        return Scope(self.pod_namespace, self.controller_instance, self.watch_namespace, self.wva_node_selector)

    @property
    def lease(self) -> str:
        """Name of the Lease."""
        return self.leader_election_id or lease_name(self.controller_instance)

    @property
    def election(self) -> ElectionSettings:
        """How leadership is kept."""
        return ElectionSettings(
            self.leader_election_lease_duration, self.leader_election_renew_deadline, self.leader_election_retry_period
        )

    @property
    def pools(self) -> Pools:
        """What is promised of every accelerator."""
        found = {name: PoolPolicy(**spec.model_dump()) for name, spec in self.wva_pools.items()}
        otherwise = found.pop("default", PoolPolicy())
        return Pools(found, otherwise)

    @property
    def patience(self) -> Patience:
        """How long hardware is waited for."""
        usual = Patience()
        longest = self.wva_provisioning_patience
        return replace(usual, unlearned_s=longest, least_s=min(usual.least_s, longest))

    @property
    def prometheus(self) -> Connection | None:
        """How the Prometheus server is reached."""
        if self.prometheus_base_url is None:
            return None
        return Connection(
            url=self.prometheus_base_url,
            ca_file=self.prometheus_ca_cert_path,
            certificate_file=self.prometheus_client_cert_path,
            key_file=self.prometheus_client_key_path,
            server_name=self.prometheus_server_name,
            insecure=self.prometheus_tls_insecure_skip_verify,
            token_file=self.prometheus_token_path,
            token=self.prometheus_bearer_token,
        )


def lease_name(instance: str | None) -> str:
    """Name of the Lease of one instance: instances lead beside each other, one without is as the reference."""
    return f"{instance}.{LEASE}" if instance else LEASE


def keys() -> Mapping[str, Any]:
    """Every key with its default."""
    return {field.alias or name: field.get_default() for name, field in Settings.model_fields.items()}
