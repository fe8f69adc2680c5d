"""What a finished search answers: the trade-off, one point of it, and its options as a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from wva.report.experiments.bench import Bench
from wva.report.experiments.experiment import Outcome
from wva.report.experiments.trade import choose, non_dominated
from wva.report.median import median
from wva.report.tuning.study import Tried
from wva.report.tuning.tune import Search

RESULTS = "tune.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """The trade-off of a policy on a scenario."""

    search: Search
    tried: tuple[Tried, ...]
    """Every trial; the first has the published defaults."""
    front: tuple[Tried, ...]
    """Those that no other beats, cheapest first."""
    chosen: Tried
    numbers: Mapping[int, Outcome]
    """Medians over the seeds of the front and the defaults, by number of the trial."""

    @property
    def options(self) -> dict[str, Any]:
        """The chosen point's options."""
        return self.search.study.options(self.chosen.values)


def answer(search: Search, bench: Bench, attainment: float) -> Answer:
    """Read the answer off a search; the point chosen is the cheapest that reaches ``attainment``, else attains most."""
    tried = search.study.tried()
    front = non_dominated(tried)
    shown = {trial.number: search.experiments(trial) for trial in (tried[0], *front)}
    outcomes = iter(bench.outcomes([run for runs in shown.values() for run in runs]))
    numbers = {number: _middle([next(outcomes) for _ in runs]) for number, runs in shown.items()}
    return Answer(search, tuple(tried), tuple(front), choose(front, attainment), numbers)


def write_answer(found: Answer, directory: Path) -> Path:
    """Write the chosen options as YAML, and every trial as JSON; return the file of the options."""
    search = found.search
    chosen = found.chosen
    file = directory / f"{search.policy}.yaml"
    heading = (
        f"# {search.policy} tuned on {search.scenario.name}, queue at the {search.scenario.gateway.queue.value}: "
        f"{chosen.attainment:.4f} of attainable, ${chosen.cost:.2f}\n"
    )
    file.write_text(heading + options_text(found.options), encoding="utf-8")
    front = {trial.number for trial in found.front}
    results = {
        "scenario": search.scenario.name,
        "queue": search.scenario.gateway.queue.value,
        "seeds": list(search.scenario.seeds),
        "policy": search.policy,
        "chosen": chosen.number,
        "trials": [{**asdict(trial), "on_front": trial.number in front} for trial in found.tried],
    }
    (directory / RESULTS).write_text(json.dumps(results, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return file


def options_text(options: Mapping[str, Any]) -> str:
    """Options as YAML that ``--policy NAME=FILE`` takes."""
    return yaml.safe_dump(json.loads(json.dumps(dict(options))), sort_keys=False)


def _middle(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return median([{name: outcome[name] for name in ("failed", "ttft_s")} for outcome in outcomes])
