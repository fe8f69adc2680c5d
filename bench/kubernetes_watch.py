"""Time and memory until the mirror of a large cluster is in sync.

python -m bench.kubernetes_watch --kubeconfig FILE --create 20000   # once, in a cluster that may be thrown away
python -m bench.kubernetes_watch --kubeconfig FILE
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.kubernetes_projection import pod_bytes
from wva.control.clock import SystemClock
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import NAMESPACES, PODS, Resource
from wva.kubernetes.scope import Scope
from wva.kubernetes.watching.watch import Watch

NAMESPACE = "wva-bench"
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts")
AT_ONCE = 16
"""Requests under way while pods are made."""


async def create(kubeconfig: Path, count: int) -> None:
    """Make pods that seem to run, and that no scheduler and no garbage collector touches."""
    numbers = iter(range(count))

    async def some(api: Api) -> None:
        for number in numbers:
            body, status = running_pod(number)
            with suppress_existing():
                await api.create(PODS, NAMESPACE, body)
            await api.patch(PODS, NAMESPACE, body["metadata"]["name"], {"status": status}, "status")

    async with Api(await configuration(kubeconfig), timeout_s=60.0) as api:
        with suppress_existing():
            await api.create(NAMESPACES, None, {"metadata": {"name": NAMESPACE}})
        while not await api.list(SERVICE_ACCOUNTS, NAMESPACE):
            await asyncio.sleep(0.1)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(some(api))


@contextmanager
def suppress_existing() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        if not error.conflict:
            raise


def running_pod(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Its body and its status."""
    body = json.loads(pod_bytes(number))
    about = {"name": body["metadata"]["name"], "labels": body["metadata"]["labels"]}
    spec = {**body["spec"], "schedulerName": "nobody"}
    del spec["nodeName"]
    container = {**body["status"]["containerStatuses"][0], "image": "vllm/vllm-openai", "imageID": "sha256:0"}
    return {"metadata": about, "spec": spec}, {**body["status"], "containerStatuses": [container]}


async def measure(kubeconfig: Path) -> None:
    before = peak_mib()
    async with Api(await configuration(kubeconfig)) as api:
        watch = Watch(api, Scope(NAMESPACE), SystemClock())
        began, spent = time.perf_counter(), time.process_time()
        task = asyncio.create_task(watch.run())
        await watch.until_synced()
        took, spent = time.perf_counter() - began, time.process_time() - spent
        looked = time.perf_counter()
        pods = watch.mirror.view().pods
        looked = time.perf_counter() - looked
        print(
            f"{len(pods)} pods: in sync after {took:.1f} s, {spent:.1f} s of CPU; peak {peak_mib():.0f} MiB, "
            f"{before:.0f} MiB before; a view takes {looked * 1000:.1f} ms"
        )
        task.cancel()


def peak_mib() -> float:
    """The most that this process has held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--create", type=int, metavar="PODS")
    options = parser.parse_args()
    asyncio.run(measure(options.kubeconfig) if options.create is None else create(options.kubeconfig, options.create))


if __name__ == "__main__":
    main()
