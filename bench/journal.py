"""What the journal costs: time and bytes for each decision, beside naive ways of writing the same down.

``python bench/journal.py --replicas 8 30 --decisions 2048`` writes a synthetic fleet of two variants in which every
engine metric changes at every decision, which is the worst case for compression, and reads it back.
"""

import argparse
import json
import pickle
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from wva.fleet.inventory import Inventory, Pool, Supply
from wva.fleet.memory import Memory
from wva.fleet.model import Model, Objectives
from wva.fleet.observation import CarrierTraits, ModelObservation, Observation, Traffic, Trigger, VariantObservation
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.record.decision import Decision
from wva.record.reader import Journal
from wva.record.writer import JournalWriter

INTERVAL_S = 15.0
MODEL = Model("llama", "default", "llama-70b", "bf16", Objectives(1.0, 0.05), 1)
TRAITS = CarrierTraits("wva", True, True, True, True)
VARIANTS = tuple(
    Variant(
        f"llama-{gpu}",
        "llama",
        Role.BOTH,
        gpu,
        2,
        EngineArguments(256, 8192),
        cost,
        0,
        40,
        120.0,
        f"Deployment/a/{gpu}",
    )
    for gpu, cost in (("H100-80GB", 6.0), ("A100-80GB", 3.0))
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a learning policy keeps of one variant."""

    capacity: tuple[float, ...]
    samples: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class SyntheticMemory(Memory):
    """Two variants' estimates with a window of recent samples."""

    estimates: dict[str, Estimate] | None = None


@dataclass(frozen=True)
class SyntheticPolicy:
    """Stands in the header; it decides nothing."""

    name: str = "synthetic"

    def initial_memory(self) -> SyntheticMemory:
        """Nothing learnt yet."""
        return SyntheticMemory()

    def __call__(self, observation: Observation, memory: SyntheticMemory) -> tuple[Plan, SyntheticMemory]:
        """Never called."""
        raise NotImplementedError


def metrics(draw: random.Random, totals: list[float]) -> InstanceMetrics:
    for place, step in enumerate((20000, 9000, 40, 2)):
        totals[place] += draw.randrange(step)
    counts = [
        float(draw.randrange(60)),
        float(draw.randrange(8)),
        draw.random(),
        float(draw.randrange(8)),
        draw.random(),
    ]
    rates = [draw.random() * scale for scale in (2000, 900, 4, 0.01, 1200, 300, 1, 1, 0.05)]
    return InstanceMetrics(draw.random() * 15, *counts, *totals, *rates)


def decisions(replicas: int, count: int) -> Iterator[Decision[SyntheticMemory]]:
    """A run of ``count`` decisions with that many ready replicas in all."""
    draw = random.Random(replicas)
    shares = [replicas - replicas // 2, replicas // 2]
    totals = {(variant.name, place): [0.0] * 4 for variant in VARIANTS for place in range(replicas)}
    windows: dict[str, tuple[tuple[float, float], ...]] = {variant.name: () for variant in VARIANTS}
    for index in range(count):
        now = INTERVAL_S * index
        seen = tuple(
            VariantObservation(variant, share, share, "r1", TRAITS, tuple(replicas_of(draw, variant, share, totals)))
            for variant, share in zip(VARIANTS, shares, strict=True)
        )
        flows = (draw.random(), draw.random(), 1e5, 1e5, 20.0, 0.0, 0.0, draw.random(), draw.random())
        traffic = Traffic(3.0, index * 30.0, index * 1e5, 0.0, *flows)
        inventory = Inventory((Pool("all", "H100-80GB", Supply.FIXED, 64, (4, 8)),))
        models = (ModelObservation(MODEL, traffic),)
        observation = Observation(
            f"o{index}",
            now,
            Trigger.INTERVAL,
            ("llama",),
            models,
            seen,
            inventory,
            answers(index - 1, shares),
            "c0ffee",
        )
        windows = {name: (*window, (now, draw.random()))[-20:] for name, window in windows.items()}
        capacity = tuple(draw.random() for _ in range(8))
        memory = SyntheticMemory(estimates={name: Estimate(capacity, window) for name, window in windows.items()})
        plans = tuple(
            VariantPlan(variant.name, share, share, share, reasons(draw))
            for variant, share in zip(VARIANTS, shares, strict=True)
        )
        plan = Plan(f"p{index}", observation.id, now + 30, plans)
        yield Decision(observation, plan, memory, answers(index, shares), 0.001)


def replicas_of(
    draw: random.Random, variant: Variant, share: int, totals: dict[tuple[str, int], list[float]]
) -> Iterator[Replica]:
    for place in range(share):
        name = f"{variant.name}-{place}"
        engine = Instance(f"{name}-0", 400000, metrics(draw, totals[variant.name, place]))
        yield Replica(name, Phase.READY, None, 120.0, 0.0, 10.0, 120.0, "r1", (engine,))


def reasons(draw: random.Random) -> tuple[Reason, ...]:
    return (
        Reason("demand", f"needs {draw.random() * 9:.2f} engine-seconds per second and {draw.random():.0%} headroom"),
        Reason("binding", f"KV memory binds at {draw.random():.0%}; the next resource is at {draw.random():.0%}"),
        Reason("held", f"holds for another {draw.random() * 300:.1f} s, until one window was seen"),
    )


def answers(index: int, shares: list[int]) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(f"p{index}", variant.name, Result.APPLIED, share)
        for variant, share in zip(VARIANTS, shares, strict=True)
    )


def milliseconds(work: Callable[[], object], count: int, repeats: int) -> str:
    """Processor and elapsed time for each decision, each the best of several runs: other work only makes one slower."""
    runs = []
    for _ in range(repeats):
        processor, elapsed = time.process_time(), time.perf_counter()
        work()
        runs.append((time.process_time() - processor, time.perf_counter() - elapsed))
    best = [min(times) / count * 1000 for times in zip(*runs, strict=True)]
    return f"{best[0]:6.3f} ms ({best[1]:6.3f} elapsed)"


def write_journal(path: Path, run: list[Decision[SyntheticMemory]]) -> None:
    with JournalWriter(path, SyntheticPolicy(), overwrite=True) as journal:
        for decision in run:
            journal.append(decision)


def write_rows(path: Path, rows: list[bytes]) -> None:
    """One SQLite row and transaction for each decision, nothing encoded: what storing alone costs."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE decision (id INTEGER PRIMARY KEY, data BLOB)")
    for row in rows:
        connection.execute("INSERT INTO decision (data) VALUES (?)", (row,))
    connection.close()


def read_journal(path: Path) -> int:
    with Journal(path) as journal:
        return sum(1 for _ in journal)


def measure(replicas: int, count: int, repeats: int, folder: Path) -> None:
    run = list(decisions(replicas, count))
    path = folder / "run.journal"
    written = milliseconds(lambda: write_journal(path, run), count, repeats)
    size = path.stat().st_size / count
    read = milliseconds(lambda: read_journal(path), count, repeats)
    few = run[: max(1, count // 16)]
    plain = [json.dumps(asdict(decision)).encode() for decision in few]
    as_json = milliseconds(lambda: [json.dumps(asdict(decision)) for decision in few], len(few), repeats)
    pickled = milliseconds(lambda: [pickle.dumps(decision, 5) for decision in few], len(few), repeats)
    bare = milliseconds(lambda: write_rows(folder / "bare.db", plain), len(plain), repeats)
    print(f"{replicas} replicas, {count} decisions; processor time for each")
    print(f"  journal, written                   {written} {size:7.0f} bytes")
    print(f"  journal, read                      {read}")
    print(f"  json.dumps(asdict), not stored     {as_json} {sum(map(len, plain)) / len(plain):7.0f} bytes")
    print(f"  pickle, not stored                 {pickled} {len(pickle.dumps(run[-1], 5)):7d} bytes")
    print(f"  storing that JSON, a row for each  {bare}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, nargs="+", default=[8, 30])
    parser.add_argument("--decisions", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many runs counts")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for replicas in chosen.replicas:
            measure(replicas, chosen.decisions, chosen.repeats, Path(folder))


if __name__ == "__main__":
    main()
