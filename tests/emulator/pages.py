"""Pages of /metrics taken apart, so that those of two servers can be laid side by side."""

import asyncio

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

ROUTES = ["/v1/models", "/is_sleeping", "/is_paused", "/nowhere"]
FREE = {"model_name", "handler", "method", "status", "version", "minor", "patchlevel", "le", "generation"}
"""Labels whose values are another machine's or another load's; bounds are compared by themselves."""


async def loaded_page(session: aiohttp.ClientSession) -> str:
    """The page of a server after some of everything was asked of it."""
    for path in ROUTES:
        await session.get(path)
    asked = {"prompt": "some words to begin with", "max_tokens": 20, "ignore_eos": True}
    await asyncio.gather(*(session.post("/v1/completions", json=asked) for _ in range(20)))
    await session.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9})
    await session.post("/v1/completions", data="{")
    async with session.get("/metrics") as page:
        return await page.text()


def families(page: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(page)}


def described(family: Metric) -> dict[str, object]:
    """All of it but its values, and those of labels that are its machine's or its load's own."""
    return {
        "type": family.type,
        "documentation": family.documentation,
        "labels": {sample.name: set(sample.labels) for sample in family.samples},
        "bounds": sorted({float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}),
        "told apart by": set() if family.name == "vllm:cache_config_info" else _told_apart(family),
    }


def _told_apart(family: Metric) -> set[tuple[str, str]]:
    """Values of the labels that tell series apart."""
    pairs = (pair for sample in family.samples for pair in sample.labels.items())
    return {(name, text) for name, text in pairs if name not in FREE}
