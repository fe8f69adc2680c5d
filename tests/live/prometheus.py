"""Debian's Prometheus, finding a live fleet's replicas as an operator would have it: through the control API."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import yaml

from wva.live.fleet import LiveRun


@asynccontextmanager
async def prometheus_of(run: LiveRun, directory: Path, port: int) -> AsyncIterator[None]:
    """Have it scrape the gateway and every replica that serves."""
    configuration = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "scrape_configs": [
            {"job_name": "gateway", "static_configs": [{"targets": [run.gateway_url.partition("//")[2]]}]},
            {
                "job_name": "replicas",
                "http_sd_configs": [{"url": f"{run.control_url}/api/targets", "refresh_interval": "1s"}],
            },
        ],
    }
    directory.mkdir(exist_ok=True)
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration))
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        *(f"--config.file={path}", f"--storage.tsdb.path={directory / 'data'}"),
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()
