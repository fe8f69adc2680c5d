"""How the engines really compare with the engine model, measured at whatever load they carry.

An engine that decodes without a pause divides each second among its decode steps and what prompts add to them. With
``L`` the measured mean time between tokens, it takes ``1 / L`` steps a second. Its mean batch follows from Little's
law: ``B = generated tokens per second * L``. The engine model predicts ``t(B)`` seconds a step and ``p`` seconds a
prompt, so for ``P`` prompts a second it predicts ``t(B) / L + P p`` engine seconds for a second that was in fact full.
An engine that takes ``s`` times as long for everything makes that ``1 / s``, so::

    slowness = 1 / (t(B) / L + P p)

That needs no saturation, unlike throughput, which below saturation says nothing of capacity. It needs an engine that
is never idle, hence a least batch; one whose tokens wait for nothing else, hence no queue; and a steady load: most
tokens are made when the batch is large, so over five minutes of ups and downs ``L`` belongs to a larger batch and to
more prompts than the means say, and an engine as fast as predicted reads as twice as slow. Hence arrivals that hardly
change, no replica that came or goes, and as many requests in flight now as on average. What still deviates is the
engine model's own error, inside a dead band, within which it is believed as it is.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

from wva.decide.capacity import prior_server
from wva.decide.memory import Calibration, LoadSample, ModelMemory, VariantMemory
from wva.decide.samples import SAME_SCRAPE_S, latest_before
from wva.decide.settings import Settings
from wva.decide.trust import fresh_metrics, known
from wva.engine.engine_time import decode_step_s, prompt_s
from wva.engine.mix import RequestMix
from wva.engine.server import Server
from wva.fleet.model import Model
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import InstanceMetrics, Phase

WINDOW_S = 300.0
"""Seconds over which the engines' rates and means are taken; a replica is compared after that long."""

LEAST_TOKENS = 10_000.0
"""Answer tokens that an engine must have generated in the window: some dozens of answers."""

LEAST_BATCH = 8.0
"""Mean batch from which an engine is taken never to be idle, however answers and arrivals bunch."""

STEADY = 0.25
"""Largest deviation of the arrivals of a fast window from their mean, as a part, while the load counts as steady."""

SAME_BATCH = 0.5
"""Largest deviation of the requests in flight from their mean, as a part, while an engine's load counts as steady."""

MOST = 2.0
"""Largest slowness that is believed; its reciprocal is the smallest. Beyond it something else is wrong."""


def calibrated(
    memory: VariantMemory, seen: VariantObservation, model: Model, load: ModelMemory, now: float, settings: Settings
) -> VariantMemory:
    """Learn from the variant's engines, or start over where its template revision or engine arguments changed."""
    before = memory.calibration
    if before is not None and (before.revision, before.engine) != (seen.revision, seen.variant.engine):
        before = None
    measured = _measured(seen, model, load, now, settings)
    if measured is not None:
        before = _learned(before or Calibration(1.0, now, seen.revision, seen.variant.engine), measured, now, settings)
    return memory if before is memory.calibration else replace(memory, calibration=before)


def measured_slowness(server: Server, metrics: InstanceMetrics, mix: RequestMix) -> float | None:
    """Slowness of one engine; ``None`` where its figures are unknown or its load says nothing of it.

    ``mix`` is the mean request of its model, with the context that sequences hold.
    """
    generated, prompts = known(metrics.generation_tokens_rate_5m), known(metrics.prompt_tokens_rate_5m)
    between, running = known(metrics.inter_token_mean_5m_s), known(metrics.running)
    if generated is None or prompts is None or running is None or not between:
        return None
    batch = min(generated * between, float(server.max_num_seqs))
    enough = generated * WINDOW_S >= LEAST_TOKENS and batch >= LEAST_BATCH
    if not enough or known(metrics.waiting_max_1m) != 0.0 or abs(running - batch) > SAME_BATCH * batch:
        return None
    together = round(batch)
    decoding = decode_step_s(server, together, mix.mean_context) / between
    prompt = prompt_s(server, mix.computed_tokens, mix.cached_tokens, together)
    return 1.0 / (decoding + prompts / mix.input_tokens * prompt)


def _measured(
    seen: VariantObservation, model: Model, load: ModelMemory, now: float, settings: Settings
) -> float | None:
    """Median slowness of the variant's engines that can be compared; ``None`` where none can."""
    if load.input_tokens is None or load.output_tokens is None or load.context_tokens is None:
        return None
    if not _steady_load(load.samples, settings) or not _steady_fleet(seen, now):
        return None
    engines = list(_comparable(seen, settings))
    server = prior_server(model, seen.variant) if engines else None
    if server is None:
        return None
    prompt, answer, context = max(1.0, load.input_tokens), max(1.0, load.output_tokens), load.context_tokens
    found = []
    for metrics in engines:
        hits = min(1.0, known(metrics.prefix_hit_rate_5m) or 0.0)
        slowness = measured_slowness(server, metrics, RequestMix(prompt, answer, hits, context))
        if slowness is not None:
            found.append(slowness)
    return median(found) if found else None


def _steady_fleet(seen: VariantObservation, now: float) -> bool:
    """Whether no replica came within a window and none goes."""
    ready = seen.in_phase(Phase.READY)
    settled = all(replica.ready_at is not None and now - replica.ready_at >= WINDOW_S for replica in ready)
    return settled and not seen.in_phase(Phase.DRAINING)


def _steady_load(samples: Sequence[LoadSample], settings: Settings) -> bool:
    """Whether arrivals and their tokens hardly changed from one fast window of the record to the next."""
    if not samples or samples[-1].time - samples[0].time < WINDOW_S - SAME_SCRAPE_S:
        return False
    first, last = samples[0], samples[-1]
    span = last.time - first.time
    requests, tokens = (last.requests - first.requests) / span, (last.tokens - first.tokens) / span
    while last is not first:
        before = latest_before(samples, last.time - settings.fast_window_s)
        if before is None:
            return True
        span = last.time - before.time
        if abs((last.requests - before.requests) / span - requests) > STEADY * requests:
            return False
        if abs((last.tokens - before.tokens) / span - tokens) > STEADY * tokens:
            return False
        last = before
    return True


def _comparable(seen: VariantObservation, settings: Settings) -> Iterator[InstanceMetrics]:
    """Fresh metrics of the ready replicas of the current revision."""
    return fresh_metrics([each for each in seen.in_phase(Phase.READY) if each.revision == seen.revision], settings)


def _learned(before: Calibration, measured: float, now: float, settings: Settings) -> Calibration:
    """Move towards what was measured, over the calibration memory and by a bounded step."""
    inside = 1.0 / (1.0 + settings.calibration_band) <= measured <= 1.0 + settings.calibration_band
    aim = 1.0 if inside else min(max(measured, 1.0 / MOST), MOST)
    # A first measurement weighs nothing, so one odd scrape cannot move anything.
    weight = 1.0 - math.exp(-max(0.0, now - before.time) / settings.calibration_memory_s)
    factor = 1.0 + weight * (aim / before.slowness - 1.0)
    most = 1.0 + settings.calibration_step
    return replace(before, slowness=before.slowness * min(max(factor, 1.0 / most), most), time=now)
