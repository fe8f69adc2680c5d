"""Memory and time of projecting pods to records, beside what keeping them as parsed JSON takes.

python bench/kubernetes_projection.py [--pods 20000]
"""

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from wva.kubernetes.objects.pod import pod

_MIB = 2**20


def pod_bytes(number: int) -> bytes:
    """A ready vLLM pod as an API server of this day sends it, without managed fields."""
    owner = number // 10
    times = {"creationTimestamp": "2026-02-19T10:00:00Z"}
    ready = [{"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-02-19T10:02:00Z"}
             for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")]  # fmt: skip
    container = {
        "name": "vllm",
        "image": "vllm/vllm-openai:v0.32.0",
        "args": ["--model=Qwen/Qwen3-32B", "--tensor-parallel-size=4", "--max-num-seqs=256", "--port=8000"],
        "env": [{"name": name, "value": "x" * 20} for name in ("HF_HOME", "HF_TOKEN", "NCCL_DEBUG", "CUDA_CACHE")],
        "resources": {"limits": {"nvidia.com/gpu": "4"}, "requests": {"nvidia.com/gpu": "4", "cpu": "8"}},
        "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 5},
        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}, {"name": "shm", "mountPath": "/dev/shm"}],
    }
    state = {"running": {"startedAt": "2026-02-19T10:00:20Z"}}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"model-{owner}-5f7d9c8b6d-{number:05d}",
            "namespace": f"team-{owner % 50}",
            "uid": f"{number:08d}-0000-4000-8000-{number:012d}",
            "labels": {"app": f"model-{owner}", "pod-template-hash": "5f7d9c8b6d", "llm-d.ai/variant": f"v-{owner}"},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": f"model-{owner}-5f7d9c8b6d",
                    "uid": f"{owner:08d}-0000-4000-8000-000000000000",
                    "controller": True,
                }
            ],
            **times,
        },
        "spec": {
            "nodeName": f"node-{number % 2500}",
            "containers": [container],
            "nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
            "volumes": [{"name": "cache", "emptyDir": {}}, {"name": "shm", "emptyDir": {"medium": "Memory"}}],
        },
        "status": {
            "phase": "Running",
            "podIP": f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
            "conditions": ready,
            "containerStatuses": [{"name": "vllm", "ready": True, "restartCount": 0, "state": state}],
        },
    }
    return json.dumps(body).encode()


def measured(count: int, make: Callable[[bytes], Any]) -> tuple[float, float]:
    """Seconds, without the tracing of memory, and MiB that are kept."""
    texts = [pod_bytes(number) for number in range(count)]
    began = time.perf_counter()
    kept = [make(text) for text in texts]
    took = time.perf_counter() - began
    del kept
    tracemalloc.start()
    kept = [make(text) for text in texts]
    size = tracemalloc.get_traced_memory()[0] / _MIB
    tracemalloc.stop()
    del kept
    return took, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=20_000)
    count = parser.parse_args().pods
    for name, make in (("parsed JSON", json.loads), ("records", lambda text: pod(json.loads(text)))):
        took, size = measured(count, make)
        print(f"{name:12} {count} pods: {size:7.1f} MiB, {size * _MIB / count:6.0f} bytes each, {took:5.2f} s")


if __name__ == "__main__":
    main()
