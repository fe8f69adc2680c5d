"""The controller's Deployment, and what belongs to it."""

from typing import Any

from wva.kubernetes.manifests.config_maps import chosen_name
from wva.kubernetes.manifests.installation import Body, Installation, Kubernetes
from wva.kubernetes.manifests.rbac import ACCOUNT

METRICS, PROBES = 8443, 8081
REPLICAS = 2
"""One leads, the other takes over within the Lease's duration."""
SETTINGS = "/etc/wva"
JOURNAL = "/var/lib/wva"
CACHE = "/var/cache/wva"

_VOLUMES: dict[str, tuple[str, dict[str, Any]]] = {
    "journal": (JOURNAL, {"emptyDir": {"sizeLimit": "10Gi"}}),
    "cache": (CACHE, {"emptyDir": {"sizeLimit": "256Mi"}}),
    # In memory, because the key of the metrics' certificate passes through it.
    "tmp": ("/tmp", {"emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}),
}
"""What is written to, by name: where, and what it is. The root filesystem is read-only."""


def deployment(chosen: Installation) -> Body:
    """The Deployment."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": chosen.metadata(chosen.name("controller")),
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": chosen.selector},
            "template": {"metadata": {"labels": chosen.selector}, "spec": _pod(chosen)},
        },
    }


def service(chosen: Installation) -> Body:
    """Where the metrics are."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": chosen.metadata(chosen.name("metrics")),
        "spec": {
            "selector": chosen.selector,
            "ports": [{"name": "https", "port": METRICS, "protocol": "TCP", "targetPort": "metrics"}],
        },
    }


def disruption_budget(chosen: Installation) -> Body:
    """Evictions leave one that can lead."""
    version = "v1beta1" if chosen.kubernetes is Kubernetes.V1_20 else "v1"
    return {
        "apiVersion": f"policy/{version}",
        "kind": "PodDisruptionBudget",
        "metadata": chosen.metadata(chosen.name("controller")),
        "spec": {"minAvailable": 1, "selector": {"matchLabels": chosen.selector}},
    }


def service_monitor(chosen: Installation) -> Body:
    """How the Prometheus operator finds the metrics. Its server's account needs the ClusterRole of metrics readers."""
    about = chosen.metadata(chosen.name("metrics"))
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {**about, "labels": {**about["labels"], "release": "kube-prometheus-stack"}},
        "spec": {
            "endpoints": [
                {
                    "port": "https",
                    "path": "/metrics",
                    "scheme": "https",
                    "interval": "10s",
                    "bearerTokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token",
                    # Nobody has signed the certificate that the controller makes for itself.
                    "tlsConfig": {"insecureSkipVerify": True},
                }
            ],
            "namespaceSelector": {"matchNames": [chosen.namespace]},
            "selector": {"matchLabels": chosen.selector},
        },
    }


def _pod(chosen: Installation) -> Body:
    settings = {"name": "settings", "configMap": {"name": chosen_name(chosen)}}
    volumes = [settings, *({"name": name, **what} for name, (_, what) in _VOLUMES.items())]
    beside = {"labelSelector": {"matchLabels": chosen.selector}, "topologyKey": "kubernetes.io/hostname"}
    return {
        "serviceAccountName": chosen.name(ACCOUNT),
        # Variables of the namespace's Services look like settings.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": beside}]
            }
        },
        "containers": [_container(chosen)],
        "volumes": volumes,
    }


def _container(chosen: Installation) -> Body:
    mounts = [{"name": "settings", "mountPath": SETTINGS, "readOnly": True}]
    mounts += [{"name": name, "mountPath": place} for name, (place, _) in _VOLUMES.items()]
    return {
        "name": "controller",
        "image": chosen.image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["controller"],
        "env": _environment(chosen),
        "ports": [
            {"name": "metrics", "containerPort": METRICS, "protocol": "TCP"},
            {"name": "probes", "containerPort": PROBES, "protocol": "TCP"},
        ],
        # The first decision compiles, for up to half a minute on a slow node.
        "startupProbe": _probe("/healthz", period_s=3, failures=60),
        "livenessProbe": _probe("/healthz", period_s=10, failures=3),
        "readinessProbe": _probe("/readyz", period_s=5, failures=2),
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def _environment(chosen: Installation) -> list[Body]:
    own = [_of_pod("POD_NAMESPACE", "metadata.namespace"), _of_pod("POD_NAME", "metadata.name")]
    if chosen.namespaced:
        own.append(_of_pod("WATCH_NAMESPACE", "metadata.namespace"))
    if chosen.instance:
        own.append({"name": "CONTROLLER_INSTANCE", "value": chosen.instance})
    if chosen.lease:
        own.append({"name": "LEADER_ELECTION_ID", "value": chosen.lease})
    # A models.toml beside the settings is the user's catalogue.
    return [*own, {"name": "XDG_CONFIG_HOME", "value": "/etc"}, {"name": "NUMBA_CACHE_DIR", "value": CACHE}]


def _of_pod(name: str, path: str) -> Body:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _probe(path: str, period_s: int, failures: int) -> Body:
    return {
        "httpGet": {"path": path, "port": "probes"},
        "periodSeconds": period_s,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
