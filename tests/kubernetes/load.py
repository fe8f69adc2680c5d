"""Clients of a fleet: an even load, sent whatever becomes of it."""

import asyncio

import numpy as np

from tests.kubernetes.fleet_kit import LLAMA
from wva.workload.driver.drive import DriveSettings, drive
from wva.workload.driver.seen import Seen
from wva.workload.merge import merge
from wva.workload.trace import Trace


async def even_load(
    url: str, rate: float, duration_s: float, *, prompt: int = 200, answer: int = 100, model: str = LLAMA
) -> Seen:
    """What clients saw of ``rate`` requests a second of the clock, of so many tokens each."""
    count = round(rate * duration_s)
    tokens = np.full((2, count), [[prompt], [answer]], np.int32)
    trace = Trace(np.arange(count) / rate, tokens[0], tokens[1], duration_s)
    return await drive(merge([model], [(model, trace)]), DriveSettings(url), asyncio.Event())
