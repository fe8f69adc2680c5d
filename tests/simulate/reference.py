"""The same fleet, step by step in plain Python: what the closed form must equal to the picosecond."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from wva.engine.server import Server

READING_PS = 100_000_000_000
SECOND_PS = 1_000_000_000_000


@dataclass
class Request:
    index: int
    arrival: int
    input: int
    output: int
    trace_blocks: tuple[int, ...] = ()
    produced: int = 0
    computed: int = 0
    shared: int = 0
    first_token: int = -1
    finish: int = -1
    last_token: int = -1
    status: str = "to come"
    engine: "Engine | None" = None
    preemptions: int = 0
    enqueued: int = -1
    scheduled: int = -1
    token_at: int = -1
    """When its newest token came."""

    @property
    def known(self) -> int:
        return self.input + self.produced


@dataclass
class Counters:
    """What the server exports, counted as it happens."""

    prompt_tokens: int = 0
    generation_tokens: int = 0
    finished: int = 0
    finished_input_tokens: int = 0
    finished_output_tokens: int = 0
    preemptions: int = 0
    ttft_s: float = 0.0
    ttft_count: int = 0
    inter_token_s: float = 0.0
    inter_token_count: int = 0
    prefix_queried: int = 0
    prefix_hit: int = 0
    busy_ps: int = 0
    saturated_ps: int = 0


@dataclass
class PrefixCache:
    """Trace blocks by id with the number of sequences that share each; the order is of last use."""

    references: OrderedDict[int, int] = field(default_factory=OrderedDict)

    def idle(self) -> int:
        return sum(count == 0 for count in self.references.values())

    def evict(self) -> None:
        oldest = next(block for block, count in self.references.items() if count == 0)
        del self.references[oldest]


class Engine:
    def __init__(self, server: Server, cost: float, entry_blocks: int, counts_prefixes: bool = False) -> None:
        """``counts_prefixes`` when the trace has blocks: without any the prefix cache is off."""
        self.server = server
        self.counts_prefixes = counts_prefixes
        self.cost = cost
        self.entry_blocks = entry_blocks
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []
        self.cache = PrefixCache()
        self.counters = Counters()
        self.step_begin = 0
        self.step_end: int | None = None
        self.step_saturated = 0
        """Part of the current step that attention and products take."""
        self.chunks: dict[int, int] = {}
        self.in_flight = 0
        self.seen_waiting = 0
        self.blocked = False
        self.seen_blocked = False
        self.seen_at = -1
        self.seen_used = 0
        self.sent = 0
        self.sent_tokens = 0
        self.ready = True
        self.longest_prompt = min(server.max_model_len - 1, server.kv_blocks * 16)
        while self.blocks(self.longest_prompt) > server.kv_blocks:
            self.longest_prompt -= 1

    def blocks(self, tokens: int) -> int:
        held = -(-tokens // 16)
        return held + min(held, self.server.window_blocks)

    def used(self) -> int:
        own = sum(self.blocks(r.computed) - r.shared * self.entry_blocks for r in self.running)
        shared = sum(count > 0 for count in self.cache.references.values()) * self.entry_blocks
        return own + shared

    def free(self) -> int:
        return self.server.kv_blocks - self.used()

    def see(self, now: int) -> None:
        if now // READING_PS > self.seen_at:
            self.seen_at, self.seen_waiting, self.seen_blocked = now // READING_PS, len(self.waiting), self.blocked
            self.seen_used = self.used()
            self.sent = self.sent_tokens = 0

    def make_room_in_cache(self) -> None:
        while self.cache.idle() > 0 and self.free() < self.cache.idle() * self.entry_blocks:
            self.cache.evict()

    def release(self, request: Request) -> None:
        for block in reversed(request.trace_blocks[: request.shared]):
            self.cache.references[block] -= 1
            if self.cache.references[block] == 0:
                self.cache.references.move_to_end(block)
        request.shared = 0
        request.computed = 0
        self.running.remove(request)

    def preempt_newest(self, now: int) -> Request:
        self.see(now)
        victim = self.running[-1]
        self.release(victim)
        if victim.produced > 0 and victim.last_token < 0:
            victim.last_token = now
        victim.preemptions += 1
        self.counters.preemptions += 1
        self.waiting.appendleft(victim)
        return victim

    def cached_prefix(self, request: Request) -> int:
        size = self.entry_blocks * 16
        most = min(len(request.trace_blocks), request.input // size, (request.known - 1) // size)
        found = 0
        while found < most and request.trace_blocks[found] in self.cache.references:
            found += 1
        return found

    def head_fits(self) -> bool:
        if not self.waiting or len(self.running) >= self.server.max_num_seqs:
            return False
        head = self.waiting[0]
        self.make_room_in_cache()
        found = self.cached_prefix(head)
        live = sum(self.cache.references[block] > 0 for block in head.trace_blocks[:found])
        return self.blocks(head.known) - live * self.entry_blocks <= self.free()

    def end_by_length(self, request: Request, now: int) -> None:
        request.status = "truncated"
        request.finish = now if request.last_token < 0 else request.last_token
        self.count_finished(request)

    def begin_step(self, now: int) -> None:
        self.see(now)
        for request in [r for r in self.waiting if r.status != "active"]:
            self.waiting.remove(request)
        for request in [r for r in self.running if r.status != "active"]:
            self.release(request)
        while self.running or self.waiting:
            if self.try_step(now):
                return
        self.blocked = False
        self.step_end = None

    def try_step(self, now: int) -> bool:
        """Do one round of the scheduler; false when it leaves nothing to run."""
        step = self.server.step
        budget = self.server.max_num_batched_tokens
        preempted = False
        chunks: dict[int, int] = {}
        attention = 0
        for request in list(self.running):
            if request not in self.running:
                continue
            chunk = min(request.known - request.computed, budget)
            more = self.blocks(request.computed + chunk) - self.blocks(request.computed)
            while more > self.free():
                if self.running == [request] and request.produced > 0 and chunk == 1:
                    self.release(request)
                    self.end_by_length(request, now)
                    preempted = True
                    break
                preempted = True
                if self.preempt_newest(now) is request:
                    break
            if request not in self.running:
                continue
            attention += self.attention_of(request, chunk)
            request.computed += chunk
            chunks[request.index] = chunk
            budget -= chunk
        while not preempted and budget > 0 and self.head_fits():
            self.see(now)
            request = self.waiting.popleft()
            if request.scheduled < 0:
                request.scheduled = now
            found = self.cached_prefix(request)
            for block in request.trace_blocks[:found]:
                self.cache.references[block] += 1
            request.shared = found
            request.computed = found * self.entry_blocks * 16
            if self.counts_prefixes:
                self.counters.prefix_queried += request.input
                self.counters.prefix_hit += request.computed
            self.running.append(request)
            chunk = min(request.known - request.computed, budget)
            attention += self.attention_of(request, chunk)
            request.computed += chunk
            chunks[request.index] = chunk
            budget -= chunk
        if not self.running:
            if not preempted:
                self.see(now)
                self.end_by_length(self.waiting.popleft(), now)
            return False
        self.chunks = chunks
        self.blocked = bool(self.waiting) and (preempted or budget > 0)
        tokens = self.server.max_num_batched_tokens - budget
        self.step_begin = now
        self.step_end = now + int(step.tokens_ps[tokens]) + step.sequence_ps * len(chunks) + attention
        sampled = sum(request.computed == request.known for request in self.running)
        self.step_saturated = attention + step.product_token_ps * tokens + step.output_row_ps * sampled
        return True

    def attention_of(self, request: Request, chunk: int) -> int:
        step = self.server.step
        before = request.computed
        decoding = request.produced > 0 and request.last_token < 0
        if decoding:
            read, pairs = request.known, 0
        else:
            read, pairs = before, chunk * before + chunk * (chunk + 1) // 2
        return (
            step.kv_token_ps * read
            + step.window_token_ps * min(read, self.server.window)
            + step.attention_pair_ps * pairs
        )

    def work(self, now: int) -> tuple[float, float]:
        """Busy and saturated picoseconds up to now, the current step's share included."""
        if self.step_end is None:
            return self.counters.busy_ps, self.counters.saturated_ps
        elapsed = now - self.step_begin
        share = elapsed / (self.step_end - self.step_begin)
        return self.counters.busy_ps + elapsed, self.counters.saturated_ps + share * self.step_saturated

    def end_step(self, now: int) -> None:
        self.see(now)
        self.counters.busy_ps += now - self.step_begin
        self.counters.saturated_ps += self.step_saturated
        self.make_room_in_cache()
        finished, prefilled = [], []
        for request in self.running:
            if request.index not in self.chunks or request.computed < request.known:
                continue
            was_prefill = request.produced == 0 or request.last_token >= 0
            if was_prefill:
                prefilled.append(request)
            elif request.produced + 1 == self.limit(request):
                finished.append(request)
                self.count_token(request, now)
            else:
                self.count_token(request, now)
        for request in sorted(finished, key=lambda r: r.index):
            self.complete(request, now)
        for request in prefilled:
            self.publish(request)
            if request.produced == 0 and request.finish < 0:
                request.first_token = now
            request.last_token = -1
            self.count_token(request, now)
            if request.produced == self.limit(request):
                self.complete(request, now)
        self.chunks = {}
        self.step_end = None

    def publish(self, request: Request) -> None:
        whole = min(len(request.trace_blocks), request.input // (self.entry_blocks * 16))
        while request.shared < whole and request.trace_blocks[request.shared] not in self.cache.references:
            self.cache.references[request.trace_blocks[request.shared]] = 1
            request.shared += 1

    def count_token(self, request: Request, now: int) -> None:
        request.produced += 1
        self.counters.generation_tokens += 1
        if request.produced > 1:
            self.counters.inter_token_count += 1
            self.counters.inter_token_s += (now - request.token_at) / SECOND_PS
        else:
            self.counters.prompt_tokens += request.input
            if request.finish < 0:
                self.counters.ttft_count += 1
                self.counters.ttft_s += (now - request.enqueued) / SECOND_PS
        request.token_at = now

    def count_finished(self, request: Request) -> None:
        self.in_flight -= 1
        self.counters.finished += 1
        self.counters.finished_input_tokens += request.input
        self.counters.finished_output_tokens += request.produced

    def limit(self, request: Request) -> int:
        return min(request.output, self.server.max_model_len - request.input)

    def complete(self, request: Request, now: int) -> None:
        self.release(request)
        if request.finish >= 0:
            return
        request.finish = now
        request.status = "completed" if request.produced == request.output else "truncated"
        self.count_finished(request)


@dataclass
class Fleet:
    """Replicas behind the gateway; ``hold_above`` is None when requests queue at the engines."""

    engines: list[Engine]
    requests: list[Request]
    first_token_timeout: int | None = None
    total_timeout: int | None = None
    hold_above: int | None = None
    full_load_s: float = 0.0
    queue_timeout: int | None = None
    hold_above_kv: float | None = None
    max_concurrency: int | None = None
    held: list[Request] = field(default_factory=list)
    last: int = 0

    def __post_init__(self) -> None:
        self.arrivals = deque(self.requests)

    def takes(self, engine: Engine, request: Request, now: int) -> bool:
        if request.input > engine.longest_prompt:
            return False
        if self.hold_above is None:
            return True
        engine.see(now)
        used = (engine.seen_used + engine.sent_tokens / 16) / engine.server.kv_blocks
        full = self.hold_above_kv is not None and used >= self.hold_above_kv
        return engine.seen_waiting + engine.sent < self.hold_above and not full

    def route(self, request: Request, now: int) -> bool:
        takers = [engine for engine in self.engines if engine.ready and self.takes(engine, request, now)]
        if not takers:
            return False
        for engine in takers:
            engine.see(now)
        engine = min(takers, key=lambda e: self.load(e, request))
        engine.waiting.append(request)
        request.enqueued = now
        engine.in_flight += 1
        engine.sent += 1
        engine.sent_tokens += request.input
        request.engine = engine
        return True

    def load(self, engine: Engine, request: Request) -> float:
        blocks = engine.seen_used + (engine.sent_tokens + request.input) / 16
        memory = self.full_load_s * blocks / engine.server.kv_blocks
        busy = max((engine.in_flight + 1) * engine.cost, memory) + 32 * engine.seen_blocked * engine.cost
        return busy + request.input * engine.server.prompt_token_s

    def deadline(self, request: Request) -> int | None:
        if request.status != "active":
            return None
        deadlines = []
        if self.first_token_timeout is not None and request.first_token < 0:
            deadlines.append(request.arrival + self.first_token_timeout)
        if self.total_timeout is not None:
            deadlines.append(request.arrival + self.total_timeout)
        if self.queue_timeout is not None and request in self.held:
            deadlines.append(request.arrival + self.queue_timeout)
        return min(deadlines, default=None)

    def give_up(self, request: Request, now: int) -> None:
        first = self.first_token_timeout is not None and request.first_token < 0
        late = first and now >= request.arrival + (self.first_token_timeout or 0)
        too_long = self.total_timeout is not None and now >= request.arrival + self.total_timeout
        request.status = "first token timeout" if late else "total timeout" if too_long else "queue timeout"
        request.finish = now
        if request.engine is None:
            self.held.remove(request)
        else:
            request.engine.in_flight -= 1

    def run(self) -> None:
        while (now := self.next_event()) is not None:
            self.at(now)

    def run_until(self, until: int) -> None:
        """All that happens up to and at ``until``."""
        while (now := self.next_event()) is not None and now <= until:
            self.at(now)

    def make_ready(self, index: int, now: int) -> None:
        """Put a fresh engine in the place of an empty one and give it what is held."""
        self.last = now
        old = self.engines[index]
        self.engines[index] = Engine(old.server, old.cost, old.entry_blocks, old.counts_prefixes)
        self.held = [request for request in self.held if not self.route(request, now)]
        self.begin_steps(now)

    def drain(self, index: int) -> None:
        self.engines[index].ready = False

    def kill(self, index: int, now: int) -> None:
        self.last = now
        engine = self.engines[index]
        for request in [*engine.waiting, *engine.running]:
            if request.status == "active":
                request.status = "crashed"
                request.finish = now
        engine.waiting.clear()
        engine.running.clear()
        engine.in_flight = 0
        engine.step_end = None
        engine.ready = False

    def can_send(self) -> bool:
        outstanding = len(self.held) + sum(engine.in_flight for engine in self.engines)
        return self.max_concurrency is None or outstanding < self.max_concurrency

    def next_event(self) -> int | None:
        times = [engine.step_end for engine in self.engines if engine.step_end is not None]
        times += [deadline for r in self.requests if (deadline := self.deadline(r)) is not None]
        if self.arrivals and self.can_send():
            times.append(max(self.last, self.arrivals[0].arrival))
        if self.held:
            times.append(self.last // READING_PS * READING_PS + READING_PS)
        return min(times, default=None)

    def at(self, now: int) -> None:
        self.last = now
        for engine in self.engines:
            if engine.step_end == now:
                engine.end_step(now)
        for request in self.requests:
            deadline = self.deadline(request)
            if deadline is not None and deadline <= now:
                self.give_up(request, now)
        if self.held and now % READING_PS == 0:
            self.held = [request for request in self.held if not self.route(request, now)]
        while self.arrivals and self.arrivals[0].arrival <= now and self.can_send():
            self.arrivals[0].arrival = now
            self.receive(self.arrivals.popleft(), now)
        self.begin_steps(now)

    def begin_steps(self, now: int) -> None:
        for engine in self.engines:
            if engine.step_end is None and (engine.waiting or engine.running):
                engine.begin_step(now)

    def receive(self, request: Request, now: int) -> None:
        request.status = "active"
        if request.input > max(engine.longest_prompt for engine in self.engines):
            request.status = "too long"
            request.finish = now
        elif not self.route(request, now):
            self.held.append(request)
