from pathlib import Path

import pytest

from wva.fleet.errors import UserError
from wva.fleet.variant import EngineArguments, Role
from wva.gateway.settings import Queue, Routing
from wva.scenario.checks import unknown_names
from wva.scenario.load import builtin_scenario, load_scenario, parse_scenario
from wva.scenario.nouns import fleet_variants
from wva.scenario.schema import AtEnd, Scenario
from wva.workload.arrivals import Arrivals

SHARED = Path(__file__).parents[3] / "shared" / "scenarios"

LEAST = """
name: least
workload: [{model: m, trace: t.csv}]
models: {m: {shape: s, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}}}
variants: [{name: v, model: m, accelerator: A100-80GB, cost: 1.8, min: 0, max: 4, initial: 1}]
"""

FULL = """
name: full
workload:
  - {model: m, trace: t.csv, scale: 2.5, jitter: 60s, start: 1h, duration: 30m}
  - model: n
    synthetic: {arrivals: constant, input_tokens: {constant: 10}, output_tokens: {uniform: {min: 1, max: 5}},
                rate: [[0s, 1], [1m, 2.5]]}
models:
  m: {shape: s, precision: fp8, objectives: {ttft: 500ms, tpot: 50ms}, priority: 3}
  n: {shape: s, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}}
variants:
  - {name: v, model: m, role: both, accelerator: H100-80GB, tensor_parallel: 2, cost: 6, min: 0, max: 4, initial: 1,
     startup: 2m, max_num_seqs: 128, max_num_batched_tokens: 4096, gpu_memory_utilization: 0.95}
  - {name: w, model: n, accelerator: H100-80GB, cost: 3, min: 1, max: 1, initial: 1}
nodes: [{accelerator: H100-80GB, gpus: 8, count: 2}]
clients: {max_concurrency: 512, at_end: cancel}
gateway: {queue: gateway, hold_above: 7, hold_above_kv: 0.8, first_token_timeout: 30s, total_timeout: 10m,
          queue_timeout: 1m, routing: round-robin}
control: {interval: 30s, scrape: 5s}
crashes: [{at: 600s, variant: v}]
power: {pue: 1.2, carbon_intensity: [[0s, 300], [6h, 150]]}
seeds: [3, 1]
"""


def parse(text: str) -> Scenario:
    return parse_scenario(text, "f.yaml", Path("dir"))


def test_what_is_left_out_has_its_default() -> None:
    scenario = parse(LEAST)
    (entry,), (variant,) = scenario.workload, scenario.variants
    assert (entry.scale, entry.jitter, entry.start, entry.duration) == (1.0, 0.0, 0.0, None)
    assert (variant.role, variant.tensor_parallel, variant.startup) == (Role.BOTH, 1, 110.0)
    assert (variant.max_num_seqs, variant.max_num_batched_tokens, variant.gpu_memory_utilization) == (None,) * 3
    assert scenario.models["m"].priority == 0
    assert (scenario.gateway.queue, scenario.gateway.routing) == (Queue.ENGINE, Routing.LEAST_LOADED)
    assert (scenario.gateway.hold_above, scenario.gateway.first_token_timeout) == (5, 60.0)
    gateway, clients = scenario.gateway, scenario.clients
    assert (gateway.total_timeout, gateway.queue_timeout, gateway.hold_above_kv) == (None, None, None)
    assert (clients.max_concurrency, clients.at_end) == (None, AtEnd.WAIT)
    assert (scenario.control.interval, scenario.control.scrape) == (15.0, 15.0)
    assert (scenario.nodes, scenario.crashes, scenario.seeds) == (None, (), (1,))
    assert (scenario.power.pue, scenario.power.carbon_intensity) == (1.0, None)


def test_every_key_is_read() -> None:
    scenario = parse(FULL)
    traced, drawn = scenario.workload
    assert (traced.scale, traced.jitter, traced.start, traced.duration) == (2.5, 60.0, 3600.0, 1800.0)
    assert drawn.synthetic is not None
    assert drawn.synthetic.rate == ((0.0, 1.0), (60.0, 2.5))
    assert drawn.synthetic.arrivals is Arrivals.CONSTANT
    assert drawn.synthetic.input_tokens.constant == 10
    assert drawn.synthetic.output_tokens.uniform is not None
    assert (drawn.synthetic.output_tokens.uniform.min, drawn.synthetic.output_tokens.uniform.max) == (1, 5)
    assert scenario.models["m"].objectives.ttft == 0.5
    assert scenario.nodes is not None
    assert (scenario.nodes[0].accelerator, scenario.nodes[0].gpus, scenario.nodes[0].count) == ("H100-80GB", 8, 2)
    assert scenario.gateway.queue is Queue.GATEWAY
    assert scenario.gateway.routing is Routing.ROUND_ROBIN
    assert (scenario.gateway.hold_above, scenario.gateway.first_token_timeout) == (7, 30.0)
    assert (scenario.gateway.total_timeout, scenario.gateway.queue_timeout) == (600.0, 60.0)
    assert scenario.gateway.hold_above_kv == 0.8
    assert (scenario.clients.max_concurrency, scenario.clients.at_end) == (512, AtEnd.CANCEL)
    assert fleet_variants(scenario)[0].engine == EngineArguments(128, 4096, 0.95)
    assert (scenario.control.interval, scenario.control.scrape) == (30.0, 5.0)
    assert [(crash.at, crash.variant) for crash in scenario.crashes] == [(600.0, "v")]
    assert (scenario.power.pue, scenario.power.carbon_intensity) == (1.2, ((0.0, 300.0), (21_600.0, 150.0)))
    assert scenario.seeds == (3, 1)


def test_a_carbon_intensity_may_be_one_number() -> None:
    assert parse(LEAST + "power: {carbon_intensity: 41.5}").power.carbon_intensity == ((0.0, 41.5),)


def test_traces_are_named_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(LEAST.replace("t.csv", "../traces/t.csv"))
    assert load_scenario(path).workload[0].trace == tmp_path / "../traces/t.csv"
    path.write_text(LEAST.replace("t.csv", "/abs/t.csv"))
    assert load_scenario(path).workload[0].trace == Path("/abs/t.csv")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("name: full", "", "name: is missing; add it"),
        ("name: full", "name: full\nsurprise: 1", "surprise: unknown key; remove it or correct its spelling"),
        ("min: 0", "minimum: 0", "variants[0].min: is missing; add it (and 1 more)"),
        ("max: 4", "max: 0", "variants[0].max: must be greater than or equal to 1, not 0"),
        ("min: 0", "min: 5", "variants[0].max: is 4, below min 5 (and 1 more)"),
        ("initial: 1", "initial: 9", "variants[0].initial: is 9, outside min 0 and max 4"),
        ("min: 1, max: 1, initial: 1", "min: 1, max: 1, initial: 0", "variants[1].initial: is 0, outside min 1"),
        (
            "utilization: 0.95",
            "utilization: 1.1",
            "variants[0].gpu_memory_utilization: must be less than or equal to 1",
        ),
        ("max_concurrency: 512", "max_concurrency: 0", "clients.max_concurrency: must be greater than or equal to 1"),
        ("at_end: cancel", "at_end: stop", "clients.at_end: must be 'wait' or 'cancel', not 'stop'"),
        ("hold_above_kv: 0.8", "hold_above_kv: 0", "gateway.hold_above_kv: must be greater than 0, not 0"),
        ("cost: 6", "cost: -6", "variants[0].cost: must be greater than or equal to 0, not -6"),
        ("cost: 6", "cost: .inf", "variants[0].cost: must be a finite number"),
        ("cost: 6", "cost: yes", "variants[0].cost: must be a valid number, not True"),
        ("max: 4", "max: 4.0", "variants[0].max: must be a valid integer, not 4.0"),
        ("tensor_parallel: 2", "tensor_parallel: 0", "variants[0].tensor_parallel: must be greater than or equal to 1"),
        ("tensor_parallel: 2", "tensor_parallel: 16", "variants[0]: no node has 16 x H100-80GB; add such nodes"),
        ("accelerator: H100-80GB, cost", "accelerator: L4, cost", "variants[1]: no node has 1 x L4"),
        ("nodes: [{accelerator: H100-80GB, gpus: 8, count: 2}]", "nodes: []", "nodes: must have 1 or more entries"),
        ("role: both", "role: prefill", "variants[0].role: is prefill; only both is served so far"),
        ("role: both", "role: all", "variants[0].role: must be 'both', 'prefill', 'decode' or 'encode', not 'all'"),
        ("name: v, model: m", "name: v, model: x", "variants[0].model: no model 'x'; there are m, n"),
        ("name: w, model: n", "name: w, model: m", "models.n: no variant serves it; add one or remove the model"),
        ("name: w", "name: v", "variants[1].name: v is there already; each must differ"),
        ("interval: 30s", "interval: 0s", "control.interval: must be greater than 0, not '0s'"),
        ("interval: 30s", "interval: 30", "control.interval: must be a duration such as 15s"),
        ("startup: 2m", "startup: -2m", "variants[0].startup: must be a duration such as 15s"),
        ("ttft: 500ms", "ttft: 0s", "models.m.objectives.ttft: must be greater than 0"),
        ("precision: fp8", "precision: int3", "models.m.precision: must be 'bf16', 'fp8' or 'fp4', not 'int3'"),
        ("priority: 3", "priority: high", "models.m.priority: must be a valid integer, not 'high'"),
        ("queue: gateway", "queue: nowhere", "gateway.queue: must be 'engine' or 'gateway', not 'nowhere'"),
        ("routing: round-robin", "routing: random", "gateway.routing: must be 'least-loaded' or 'round-robin'"),
        ("hold_above: 7", "hold_above: 0", "gateway.hold_above: must be greater than or equal to 1"),
        ("model: m, trace", "model: q, trace", "workload[0].model: no model 'q'; there are m, n"),
        ("scale: 2.5", "scale: 0", "workload[0].scale: must be greater than 0, not 0"),
        ("duration: 30m", "duration: 0s", "workload[0].duration: must be greater than 0"),
        ("trace: t.csv, ", "", "workload[0]: give exactly one of trace and synthetic"),
        ("- model: n", "- model: n\n    trace: t.csv", "workload[1]: give exactly one of trace and synthetic"),
        ("- model: n", "- model: n\n    jitter: 1s", "workload[1]: jitter shifts copies of a trace"),
        ("- model: n", "- model: n\n    start: 60s", "workload[1].start: is 60s, at or after the end of rate"),
        ("arrivals: constant", "arrivals: even", "workload[1].synthetic.arrivals: must be 'poisson' or 'constant'"),
        ("[0s, 1]", "[5s, 1]", "workload[1].synthetic.rate: must start at 0s, not at 5s"),
        ("[0s, 1]", "[0s, 1], [2m, 1]", "workload[1].synthetic.rate: must go forward in time"),
        ("[0s, 1]", "[0s, -1]", "workload[1].synthetic.rate[0][1]: must be greater than or equal to 0, not -1"),
        ("[[0s, 1], [1m, 2.5]]", "[[0s, 1]]", "workload[1].synthetic.rate: must have 2 or more entries"),
        ("[[0s, 1], [1m, 2.5]]", "[[0s, 0], [1m, 0]]", "workload[1].synthetic.rate: must last some time and be above"),
        ("{constant: 10}", "{}", "workload[1].synthetic.input_tokens: give exactly one of lognormal, constant"),
        ("{constant: 10}", "{constant: 0}", "workload[1].synthetic.input_tokens.constant: must be greater than or"),
        ("{constant: 10}", "{lognormal: {mean: 10, cv: -1}}", "workload[1].synthetic.input_tokens.lognormal.cv: must"),
        ("{min: 1, max: 5}", "{min: 6, max: 5}", "workload[1].synthetic.output_tokens.uniform.max: is 5, below min 6"),
        ("at: 600s, variant: v", "at: 600s, variant: x", "crashes[0].variant: no variant 'x'; there are v, w"),
        ("pue: 1.2", "pue: 0.9", "power.pue: must be greater than or equal to 1, not 0.9"),
        ("pue: 1.2", "price: 1.2", "power.price: unknown key; remove it or correct its spelling"),
        ("[[0s, 300], [6h, 150]]", "high", "power.carbon_intensity: must be a number or points such as [[0s, 300]"),
        ("[[0s, 300], [6h, 150]]", "yes", "power.carbon_intensity: must be a number or points such as [[0s, 300]"),
        ("[[0s, 300], [6h, 150]]", "[]", "power.carbon_intensity: must have 1 or more entries"),
        ("[[0s, 300], [6h, 150]]", "[[1h, 300]]", "power.carbon_intensity: must start at 0s, not at 3600s"),
        ("[6h, 150]", "[6h, 150], [5h, 1]", "power.carbon_intensity: must go forward in time"),
        ("[6h, 150]", "[6h, -150]", "power.carbon_intensity[1][1]: must be greater than or equal to 0, not -150"),
        ("seeds: [3, 1]", "seeds: [3, 1, 3]", "seeds[2]: 3 is there already; each must differ"),
        ("seeds: [3, 1]", "seeds: []", "seeds: must have 1 or more entries"),
        ("seeds: [3, 1]", "seeds: 3", "seeds: must be a list"),
        ("seeds: [3, 1]", "seeds: [-1, 3]", "seeds[0]: must be greater than or equal to 0, not -1"),
        ("  n: {shape", "  m: {shape", "line 10, column 3: key 'm' is there twice; correct the YAML"),
        ("name: full", "name: [full", "line 3, column 9: "),
        ("name: full", "name: full\n\tmore: 1", "line 3, column 1: "),
    ],
)
def test_what_is_impossible_is_one_line_that_names_the_key(old: str, new: str, says: str) -> None:
    parse(FULL)
    assert old in FULL
    with pytest.raises(UserError) as error:
        parse(FULL.replace(old, new, 1))
    message = str(error.value)
    assert message.startswith(f"scenario f.yaml: {says}")
    assert "\n" not in message


def test_one_mistake_in_the_only_entry_of_a_list_counts_once() -> None:
    with pytest.raises(UserError, match=r"variants\[0\]\.cost: must be greater than or equal to 0, not -1\.8$"):
        parse(LEAST.replace("cost: 1.8", "cost: -1.8"))


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b", "a: \x07", "--- {}\n--- {}", "? [a]\n: b"])
def test_what_is_no_scenario_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r"^scenario f\.yaml: [^\n]+$"):
        parse(text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        load_scenario(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        load_scenario(tmp_path)
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"name: \xff")
    with pytest.raises(UserError, match="byte 6 is not UTF-8"):
        load_scenario(binary)


def test_names_outside_the_catalogue_are_found() -> None:
    scenario = parse(FULL)
    assert list(unknown_names(scenario, {"s"}, {"H100-80GB"})) == []
    assert list(unknown_names(scenario, {"t"}, {"H100-80GB"})) == [
        (f"models.{name}.shape", "no shape 's' in the catalogue") for name in "mn"
    ]
    assert list(unknown_names(scenario, {"s"}, {"A100-80GB"})) == [
        (f"variants[{index}].accelerator", "no accelerator 'H100-80GB' in the catalogue") for index in (0, 1)
    ]


def test_the_builtin_scenario_needs_no_file_and_half_an_hour() -> None:
    scenario = builtin_scenario()
    assert scenario.name == "first-light"
    assert [entry.trace for entry in scenario.workload] == [None]
    assert {variant.name: variant.cost for variant in scenario.variants} == {"a100": 1.8, "h100": 3.0}
    assert len(scenario.seeds) == 3
    assert scenario.workload[0].synthetic is not None
    assert scenario.workload[0].synthetic.rate[-1][0] == 1800.0


@pytest.mark.parametrize("name", ["azure-code", "burst-and-ramp", "chat-day", "reasoning"])
def test_the_fixed_examination_is_valid(name: str) -> None:
    path = SHARED / f"{name}.yaml"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the repository")
    scenario = load_scenario(path)
    assert scenario.name == name
    assert scenario.seeds == (1, 2, 3, 4, 5)
    assert scenario.control.interval == 15.0
