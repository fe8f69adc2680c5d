"""One contender on one seed of a scenario, and what its outcome depends on."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from wva.fleet.catalogue import accelerator, model_shape
from wva.fleet.errors import UserError
from wva.policies.registry import POLICIES
from wva.report.causes import misses_by_cause
from wva.report.contenders import STATIC_BEST, Contender, enter
from wva.report.experiments.code import digest_of_modules
from wva.report.experiments.traffic import Traffic
from wva.report.processes import Progress
from wva.report.score import score
from wva.scenario.schema import Scenario
from wva.simulate.run import prepare, simulate

Outcome = Mapping[str, Any]
"""What came out, as plain data that JSON holds."""
Tell = Callable[[Progress], None]

LAYOUT = 1
"""Layout of the outcomes."""
_SIMULATING = ("wva.simulate.run", "wva.simulate.best_static", "wva.report.score", "wva.report.causes")


class Job(Protocol):
    """Something whose outcome is worth keeping."""

    @property
    def name(self) -> str:
        """How it is called in messages."""

    @property
    def seed(self) -> int:
        """Of the traffic that it works on."""

    def content(self) -> dict[str, Any]:
        """All that its outcome depends on, as plain data."""

    def run(self, traffic: Traffic, tell: Tell) -> Outcome:
        """Do it."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A run to be scored; its outcome is its ``Score``, misses by cause, and what was searched for beforehand."""

    scenario: Scenario
    contender: Contender
    seed: int

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return f"{self.contender.label}, seed {self.seed}"

    def content(self) -> dict[str, Any]:
        """All that the outcome depends on."""
        return {
            **content_of(self.scenario),
            "code": digest_of_modules(*_SIMULATING, *_deciding(self.contender.policy)),
            "seed": self.seed,
            "policy": self.contender.policy,
            "configuration": _configuration(self.contender.policy, json.dumps(dict(self.contender.options))),
        }

    def run(self, traffic: Traffic, tell: Tell) -> Outcome:
        """Simulate and score; its wall time is that of the run alone, without drawing its traffic."""
        tell(Progress(0.0, "draws its traffic"))
        workload = traffic.of(self.scenario, self.seed)
        setting = prepare(self.scenario)
        entry = enter(self.contender, setting, workload, self.seed, lambda note: tell(Progress(0.0, note)))
        began = time.process_time()
        result = simulate(
            entry.setting,
            workload,
            entry.policy,
            self.seed,
            progress=lambda share: tell(Progress(share, "runs")),
        )
        cpu_s = time.process_time() - began
        found = None if entry.found is None else dict(entry.found)
        return {
            **asdict(score(result)),
            "cpu_s": cpu_s,
            "window_s": result.window_s,
            "causes": misses_by_cause(result),
            "found": found,
        }


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 in hexadecimal of plain data."""
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def content_of(scenario: Scenario) -> dict[str, Any]:
    """What a run takes from its scenario, with traces by their content and hardware by its figures."""
    data = scenario.model_dump(mode="json", exclude={"name", "seeds"})
    for entry in data["workload"]:
        entry["trace"] = None if entry["trace"] is None else _digest_of_file(Path(entry["trace"]))
    shapes = {spec.shape: asdict(model_shape(spec.shape)) for spec in scenario.models.values()}
    hardware = {spec.accelerator: asdict(accelerator(spec.accelerator)) for spec in scenario.variants}
    return {"layout": LAYOUT, "scenario": data, "shapes": shapes, "accelerators": hardware}


def _deciding(policy: str) -> tuple[str, ...]:
    return () if policy == STATIC_BEST else (POLICIES[policy].__module__,)


@lru_cache(maxsize=4096)
def _configuration(policy: str, options: str) -> dict[str, Any]:
    return Contender(policy, policy, json.loads(options)).configuration()


def _digest_of_file(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise UserError(f"trace {path}: cannot be read ({error.strerror}); correct the path") from None
    return _digest_of_content(path, status.st_size, status.st_mtime_ns)


@lru_cache
def _digest_of_content(path: Path, size: int, changed_ns: int) -> str:
    """``size`` and ``changed_ns`` make another version of the file another entry of the cache."""
    with path.open("rb") as file:
        digester = sha256()
        while block := file.read(1 << 20):
            digester.update(block)
    return digester.hexdigest()
