"""Probes and metrics as the settings want them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from wva.fleet.clock import Clock
from wva.kubernetes.api.client import Api
from wva.kubernetes.serving.access import ReviewedAccess
from wva.kubernetes.serving.certificate import CertificateFiles, keep_renewed, self_signed
from wva.kubernetes.serving.health import Vitals
from wva.kubernetes.serving.listen import listening
from wva.kubernetes.serving.metrics import metrics
from wva.kubernetes.serving.probes import probes
from wva.kubernetes.settings import Settings
from wva.kubernetes.settings_values import Address
from wva.record.problems import Problems


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen; ``None`` where one is off."""

    probes: int | None
    metrics: int | None


@asynccontextmanager
async def served(
    settings: Settings,
    vitals: Callable[[], Vitals],
    registry: CollectorRegistry,
    api: Api,
    clock: Clock,
    problems: Problems,
) -> AsyncIterator[Ports]:
    """Serve probes and metrics until left.

    Raises ``UserError`` where an address cannot be listened on, or a certificate cannot be used.
    """
    async with AsyncExitStack() as stack:
        probed = measured = None
        if settings.health_probe_bind_address is not None:
            application = probes(vitals, clock, settings.global_opt_interval)
            probed = await stack.enter_async_context(
                listening(application, settings.health_probe_bind_address, "probes")
            )
        if settings.metrics_bind_address is not None:
            measured = await stack.enter_async_context(
                _metrics(settings, settings.metrics_bind_address, registry, api, clock, problems)
            )
        yield Ports(probed, measured)


@asynccontextmanager
async def _metrics(
    settings: Settings, address: Address, registry: CollectorRegistry, api: Api, clock: Clock, problems: Problems
) -> AsyncIterator[int]:
    if not settings.metrics_secure:
        async with listening(metrics(registry, None), address, "metrics") as port:
            yield port
        return
    directory = settings.metrics_cert_path
    files = None
    if directory is not None:
        files = CertificateFiles(directory / settings.metrics_cert_name, directory / settings.metrics_cert_key)
    context = await asyncio.to_thread(self_signed, settings.pod_name or "localhost") if files is None else files.context
    renewing = None if files is None else asyncio.create_task(keep_renewed(files, clock, problems))
    try:
        async with listening(metrics(registry, ReviewedAccess(api, clock)), address, "metrics", context) as port:
            yield port
    finally:
        if renewing is not None:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
