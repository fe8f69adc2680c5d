"""What the gateway exports: the series of llm-d's router that the world around it reads, and its own beside them.

Names, labels and buckets of ``inference_*`` and ``llm_d_epp_*`` are the router's (``pkg/epp/metrics``). What can be
read off the gateway is collected when it is asked for, so nothing is left behind of a replica or client that is gone.
"""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wva.engine.latency_bounds import TPOT_BOUNDS_S, TTFT_BOUNDS_S
from wva.gateway.ask import Ask, Flow
from wva.gateway.errors import ERROR_CODES, Outcome
from wva.gateway.pool import ModelPool
from wva.gateway.settings import ServedModel
from wva.gateway.tally import Tally

MAX_FLOWS = 100
"""Distinct values of ``fairness_id`` at most: clients choose them."""
OTHER_FLOWS = "other"
DEFAULT_FLOW = "default-flow"
"""``fairness_id`` of requests that name none."""

_MODEL = ("model_name", "target_model_name")
_SIZES = tuple(float(1 << power) for power in range(6, 31))
_HELD_S = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class GatewayMetrics:
    """The counters and histograms of one gateway."""

    def __init__(self, registry: CollectorRegistry, pools: Mapping[str, ModelPool], pool_name: str) -> None:
        """``pools`` are read whenever somebody asks."""
        self._pool_name = pool_name
        self._flows: set[str] = set()
        self._models: dict[str, ServedModel] = {}
        self.tallies: dict[str, Tally] = {}
        """By model."""
        self._requests = Counter(
            "inference_objective_request_total",
            "Requests that came for a model, served or not.",
            (*_MODEL, "priority"),
            registry=registry,
        )
        self._errors = Counter(
            "inference_objective_request_error_total",
            "Requests that ended without an answer, by cause.",
            (*_MODEL, "error_code"),
            registry=registry,
        )
        self._sizes = Histogram(
            "inference_objective_request_sizes", "Bytes of request bodies.", _MODEL, buckets=_SIZES, registry=registry
        )
        self._ttft = Histogram(
            "llm_d_epp_request_ttft_seconds",
            "From the arrival of a request to the first byte of its answer, or to the last where it is not streamed.",
            (*_MODEL, "fairness_id", "priority", "streaming"),
            buckets=TTFT_BOUNDS_S,
            registry=registry,
        )
        self._tpot = Histogram(
            "llm_d_epp_request_streaming_tpot_seconds",
            "Mean time for each token after the first, of streamed answers.",
            (*_MODEL, "fairness_id", "priority"),
            buckets=TPOT_BOUNDS_S,
            registry=registry,
        )
        self._held = Histogram(
            "inference_extension_flow_control_request_queue_duration_seconds",
            "Time that requests were held for, 0 for those that were not.",
            ("fairness_id", "priority", "outcome", "inference_pool", *_MODEL),
            buckets=_HELD_S,
            registry=registry,
        )
        self._outcomes = Counter(
            "wva_gateway_outcomes_total", "Requests that ended, by how.", ("model_name", "outcome"), registry=registry
        )
        self._backend_outcomes = Counter(
            "wva_gateway_backend_requests_total",
            "Requests that were sent to an instance and ended, by how.",
            ("model_name", "variant", "instance", "outcome"),
            registry=registry,
        )
        self._retries = Counter(
            "wva_gateway_retries_total",
            "Requests that were tried again on another instance, by why.",
            ("model_name", "reason"),
            registry=registry,
        )
        registry.register(_Present(self, pools))

    def flow_label(self, flow: Flow) -> str:
        """The value of ``fairness_id``."""
        name = flow.fairness_id
        if name is None:
            return DEFAULT_FLOW
        if name in self._flows or len(self._flows) < MAX_FLOWS:
            self._flows.add(name)
            return name
        return OTHER_FLOWS

    def arrived(self, ask: Ask) -> None:
        """A request came."""
        self._requests.labels(ask.model, ask.model, ask.priority).inc()
        self._sizes.labels(ask.model, ask.model).observe(ask.size)
        self.tallies[ask.model].offered += 1

    def held(self, ask: Ask, seconds: float, outcome: str) -> None:
        """A request got a place or was turned away, after it was held for so long."""
        flow = self.flow_label(ask.flow)
        self._held.labels(flow, ask.priority, outcome, self._pool_name, ask.model, ask.model).observe(seconds)

    def retried(self, ask: Ask, reason: str) -> None:
        """A request is tried on another instance."""
        self._retries.labels(ask.model, reason).inc()

    def answered(self, ask: Ask, ttft_s: float, rest_s: float, tokens: int) -> None:
        """An answer of that many tokens is complete; ``rest_s`` is the time from its first byte to its last."""
        flow, streaming = self.flow_label(ask.flow), "true" if ask.streaming else "false"
        self._ttft.labels(ask.model, ask.model, flow, ask.priority, streaming).observe(ttft_s)
        if ask.streaming and tokens > 1:
            self._tpot.labels(ask.model, ask.model, flow, ask.priority).observe(rest_s / (tokens - 1))
        self.tallies[ask.model].met += self._keeps_objectives(ask, ttft_s, rest_s, tokens)

    def _keeps_objectives(self, ask: Ask, ttft_s: float, rest_s: float, tokens: int) -> bool:
        """Whether first token and last came in time; where only the last shows, whether that did."""
        objectives = self._models[ask.model].objectives
        if objectives is None or (ask.streaming and ttft_s > objectives.ttft_s):
            return False
        return ttft_s + rest_s <= objectives.ttft_s + max(0, tokens - 1) * objectives.tpot_s

    def left(self, ask: Ask, variant: str, instance: str, outcome: Outcome) -> None:
        """A request no longer has a place on an instance."""
        self._backend_outcomes.labels(ask.model, variant, instance, outcome).inc()

    def forget(self, instance: str) -> None:
        """Remove the series of an instance that is gone."""
        self._backend_outcomes.remove_by_labels({"instance": instance})

    def ended(self, ask: Ask, outcome: Outcome) -> None:
        """A request has ended."""
        self._outcomes.labels(ask.model, outcome).inc()
        tally = self.tallies[ask.model]
        tally.ended += 1
        tally.failed += outcome is not Outcome.COMPLETED
        if outcome in ERROR_CODES:
            self._errors.labels(ask.model, ask.model, ERROR_CODES[outcome]).inc()

    def present(self, pools: Iterable[ModelPool]) -> Iterator[Metric]:
        """The gauges, and the counts that are kept as numbers, as things are now."""
        names = ("fairness_id", "priority", "inference_pool", *_MODEL)
        size = GaugeMetricFamily("inference_extension_flow_control_queue_size", "Requests held.", labels=names)
        bytes_ = GaugeMetricFamily(
            "inference_extension_flow_control_queue_bytes", "Bytes of the bodies of requests held.", labels=names
        )
        running = GaugeMetricFamily(
            "inference_objective_running_requests",
            "Requests that were sent to an instance and have not ended.",
            labels=("model_name",),
        )
        in_flight = GaugeMetricFamily(
            "wva_gateway_backend_in_flight_requests",
            "Requests that an instance has.",
            labels=("model_name", "variant", "instance"),
        )
        routable = GaugeMetricFamily(
            "wva_gateway_routable_backends", "Instances that take new requests.", labels=("model_name",)
        )
        met = CounterMetricFamily(
            "wva_gateway_met", "Requests whose answers kept the objectives.", labels=("model_name",)
        )
        for pool in pools:
            model = pool.model.name
            met.add_metric((model,), self.tallies[model].met)
            held = {(DEFAULT_FLOW, pool.model.priority): (0, 0)}
            for flow in pool.queue.flows():
                key = (self.flow_label(flow.flow), flow.priority)
                requests, length = held.get(key, (0, 0))
                held[key] = (requests + flow.requests, length + flow.size)
            for (label, priority), (requests, length) in held.items():
                labels = (label, str(priority), self._pool_name, model, model)
                size.add_metric(labels, requests)
                bytes_.add_metric(labels, length)
            running.add_metric((model,), pool.in_flight)
            routable.add_metric((model,), pool.routable)
            for state in pool.states:
                in_flight.add_metric((model, state.backend.variant, state.backend.instance), state.in_flight)
        yield from (size, bytes_, running, in_flight, routable, met)

    def show(self, model: ServedModel) -> None:
        """Show a model's counters from 0 on, so that its first request is an increase."""
        self._models[model.name] = model
        self.tallies[model.name] = Tally()
        self._requests.labels(model.name, model.name, model.priority)
        self._sizes.labels(model.name, model.name)
        for code in sorted(set(ERROR_CODES.values())):
            self._errors.labels(model.name, model.name, code)
        for outcome in Outcome:
            self._outcomes.labels(model.name, outcome)


class _Present(Collector):
    def __init__(self, metrics: GatewayMetrics, pools: Mapping[str, ModelPool]) -> None:
        self._metrics = metrics
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        return self._metrics.present(self._pools.values())
