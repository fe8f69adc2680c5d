"""The file of a live fleet: what it may say, and how a mistake in it is told."""

from pathlib import Path

import pytest

from wva.fleet.errors import UserError
from wva.gateway.settings import Queue
from wva.local.load import builtin_fleet, load_fleet, parse_fleet
from wva.local.schema import FleetSpec, Probe, Source
from wva.local.simulated import as_scenario
from wva.scenario.nouns import fleet_variants
from wva.scenario.traffic import draw_workload, read_sources

LEAST = """
name: least
models: {m: {shape: meta-llama/Llama-3.1-8B-Instruct, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}}}
variants:
  - {name: v, model: m, accelerator: A100-80GB, cost: 1.8, min: 0, max: 4, command: "{python} serve.py {port}"}
"""

FULL = """
name: full
speed: 10
models:
  m: {shape: meta-llama/Llama-3.1-8B-Instruct, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}, priority: 3}
variants:
  - {name: v, model: m, accelerator: A100-80GB, tensor_parallel: 2, cost: 3.6, min: 0, max: 4, initial: 1,
     max_num_seqs: 64, startup: 2m, command: "{python} --port {port} --speed {speed} --seqs {max_num_seqs} {gpus}",
     environment: {NAME: "{replica}"}, directory: work, health: /ping, probe: chat}
  - {name: w, model: m, accelerator: H100-80GB, cost: 3, min: 0, max: 2}
nodes:
  - {accelerator: A100-80GB, gpus: 2, count: 2, devices: [4, 5, 6, 7]}
  - {accelerator: H100-80GB, gpus: 2, count: 1, devices: [GPU-a, GPU-b]}
replicas:
  command: [python3, server, --port, "{port}", --speed, "{speed}"]
  environment: {ALL: "1"}
  host: 127.0.0.1
  ports: [8100, 8120]
  logs: logs
  log_bytes: 100000
  start_deadline: 10m
  drain_deadline: 5m
  stop_grace: 10s
  check: 15s
  hung_after: 1m
gateway: {host: 0.0.0.0, port: 9000, queue: gateway, hold_above: 7, max_queued_requests: 50,
          max_queued_bytes: 1000000, max_body_bytes: 5000, stall_timeout: 1m}
control: {interval: 10s, scrape: 5s}
policy: {name: wva, options: {settings: {headroom: 0.2}}}
shadow: hpa
metrics: {source: direct}
journal: run.journal
dashboard: {port: 0, token: secret}
workload:
  - model: m
    synthetic: {arrivals: poisson, input_tokens: {constant: 10}, output_tokens: {constant: 5}, rate: [[0s, 1], [1m, 1]]}
seed: 4
"""


def parse(text: str, directory: Path) -> FleetSpec:
    (directory / "work").mkdir(exist_ok=True)
    return parse_fleet(text, "f.yaml", directory)


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    fleet = parse(LEAST, tmp_path)
    assert (fleet.speed, fleet.nodes, fleet.workload, fleet.seed) == (1.0, None, (), 1)
    assert fleet.variants[0].initial == 0, "as many as the minimum"
    assert (fleet.policy.name, fleet.shadow, fleet.journal) == ("wva", None, None)
    assert (fleet.metrics.source, fleet.metrics.url) == (Source.DIRECT, None)
    assert fleet.dashboard is not None
    assert (fleet.gateway.port, fleet.dashboard.port, fleet.dashboard.token) == (8000, 8080, None)
    server = fleet.servers()["v"]
    assert server.command == ("{python}", "serve.py", "{port}")
    assert (server.health, server.probe, server.directory) == ("/health", Probe.COMPLETIONS, None)
    assert parse(LEAST + "dashboard: null", tmp_path).dashboard is None


def test_every_key_is_read(tmp_path: Path) -> None:
    fleet = parse(FULL, tmp_path)
    own, common = fleet.servers()["v"], fleet.servers()["w"]
    assert own.command[-1] == "{gpus}"
    assert own.environment == {"ALL": "1", "NAME": "{replica}"}
    assert (own.directory, own.health, own.probe) == (tmp_path / "work", "/ping", Probe.CHAT)
    assert common.command == ("python3", "server", "--port", "{port}", "--speed", "{speed}")
    assert (common.environment, common.directory, common.health) == ({"ALL": "1"}, None, "/health")
    assert (fleet.replicas.ports, fleet.replicas.logs, fleet.replicas.log_bytes) == (
        (8100, 8120),
        tmp_path / "logs",
        100_000,
    )
    assert (fleet.replicas.start_deadline, fleet.replicas.drain_deadline) == (600.0, 300.0)
    assert (fleet.replicas.stop_grace, fleet.replicas.check, fleet.replicas.hung_after) == (10.0, 15.0, 60.0)
    assert (fleet.gateway.queue, fleet.gateway.hold_above, fleet.gateway.port) == (Queue.GATEWAY, 7, 9000)
    assert (fleet.gateway.max_queued_requests, fleet.gateway.max_queued_bytes) == (50, 1_000_000)
    assert (fleet.gateway.max_body_bytes, fleet.gateway.stall_timeout) == (5000, 60.0)
    assert (fleet.control.interval, fleet.control.scrape) == (10.0, 5.0)
    assert fleet.policy.options == {"settings": {"headroom": 0.2}}
    assert fleet.shadow is not None
    assert fleet.shadow.name == "hpa"
    assert fleet.journal == tmp_path / "run.journal"
    assert [variant.gpus_per_replica for variant in fleet_variants(fleet)] == [2, 1]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("name: full", "name: full\nsurprise: 1", "surprise: unknown key; remove it or correct its spelling"),
        ("speed: 10", "speed: 0.5", "speed: must be greater than or equal to 1, not 0.5"),
        ("name: v, model: m", "name: v, model: x", "variants[0].model: no model 'x'; there are m"),
        ("tensor_parallel: 2", "tensor_parallel: 8", "variants[0]: no node has 8 x A100-80GB"),
        ("initial: 1", "initial: 9", "variants[0].initial: is 9, outside min 0 and max 4"),
        ("name: w", "name: v", "variants[1].name: v is there already"),
        ("Llama-3.1-8B-Instruct", "Lama", "models.m.shape: no shape 'meta-llama/Lama' in the catalogue"),
        ("devices: [4, 5, 6, 7]", "devices: [4, 5]", "nodes[0]: devices names 2 GPUs, but there are 2 x 2"),
        ("[GPU-a, GPU-b]", "[GPU-a, 4]", "nodes[1].devices: 4 is there already; each must differ"),
        (
            "{port} --speed",
            "{prot} --speed",
            "variants[0].command: there is no {prot} here; there are {python}, {host}",
        ),
        ("--port {port} --speed {speed}", "--speed {speed}", "variants[0].command: has no {port}; every replica needs"),
        ("{port} --speed {speed}", "{port}", "variants[0].command: has no {speed}, so its replicas would not keep up"),
        ("max_num_seqs: 64, ", "", "variants[0].command: there is no {max_num_seqs} here"),
        ("{gpus}", "{gpus!r}", "variants[0].command: {gpus} is no plain name; write {{ and }} for braces"),
        ("{gpus}", "{gpus", "variants[0].command: expected '}' before end of string; write {{ and }} for braces"),
        ("{gpus}", "'{gpus}", "variants[0].command: cannot be split into words (No closing quotation)"),
        ("{replica}", "{me}", "variants[0].environment: there is no {me} here"),
        ("{python} --port", "no-such-program --port", "variants[0].command: no program 'no-such-program' can be run"),
        ("{python} --port", "./serve --port", "variants[0].command: no program './serve' can be run here"),
        ("[python3, server", "[no-such, server", "replicas.command: no program 'no-such' can be run here"),
        ("directory: work", "directory: play", "variants[0].directory: there is no directory"),
        ("health: /ping", "health: ping", "variants[0].health: must be a path such as /health, not 'ping'"),
        ("probe: chat", "probe: none", "variants[0].probe: must be 'completions' or 'chat', not 'none'"),
        ("[8100, 8120]", "[8120, 8100]", "replicas: ports must go from low to high, not 8120 to 8100"),
        ("[8100, 8120]", "[8100, 88120]", "replicas.ports[1]: must be less than or equal to 65535"),
        ("port: 9000", "port: 8110", "gateway.port: is 8110, within replicas.ports 8100 to 8120; choose another"),
        ("port: 0, token", "port: 9000, token", "dashboard.port: is 9000, and so is gateway.port; choose another"),
        ("hung_after: 1m", "hung_after: 60", "replicas.hung_after: must be a duration such as 15s"),
        ("name: wva, options", "name: best, options", "policy: no policy is called 'best': choose one of"),
        ("headroom: 0.2", "headroom: 2", "policy: policy wva, option"),
        ("shadow: hpa", "shadow: hap", "shadow: no policy is called 'hap'"),
        (
            "shadow: hpa",
            "shadow: {name: keda, options: {shares: {nowhere: 0.5}}}",
            "shadow: policy keda, option shares.nowhere: there is no variant 'nowhere'",
        ),
        ("source: direct", "source: prometheus", "metrics: give url with source: prometheus, and only then"),
        ("source: direct", "source: direct, url: 'http://p:9090'", "metrics: give url with source: prometheus"),
        ("source: direct", "token_file: t", "metrics: ca_file and token_file need source: prometheus"),
        (
            "source: direct",
            "source: prometheus, url: 'http://p:9090'",
            "speed: is 10, but a Prometheus server keeps to the clock on the wall; leave speed out",
        ),
        (
            "source: direct",
            "source: prometheus, url: p",
            "metrics.url: must be an address such as http://127.0.0.1:9090, not 'p'",
        ),
        ("model: m\n    synthetic", "model: q\n    synthetic", "workload[0].model: no model 'q'; there are m"),
    ],
)
def test_what_is_impossible_is_one_line_that_names_the_key(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in FULL
    with pytest.raises(UserError) as error:
        parse(FULL.replace(old, new, 1), tmp_path)
    assert str(error.value).startswith(f"fleet f.yaml: {says}")
    assert "\n" not in str(error.value)


def test_a_variant_needs_a_command_from_somewhere(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"variants\[0\]\.command: is missing; add it here or as replicas\.command"):
        parse(LEAST.replace(', command: "{python} serve.py {port}"', ""), tmp_path)


def test_gpus_have_names_only_where_they_are_counted(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no \{gpus\} here"):
        parse(LEAST.replace("{port}", "{port} {gpus}"), tmp_path)


def test_a_program_is_looked_for_where_the_command_will_run(tmp_path: Path) -> None:
    text = LEAST.replace("{python} serve.py", "./serve").replace("max: 4,", "max: 4, directory: work,")
    with pytest.raises(UserError, match=r"no program './serve' can be run here"):
        parse(text, tmp_path)
    program = tmp_path / "work" / "serve"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert parse(text, tmp_path).variants[0].command == ("./serve", "{port}")


def test_a_file_that_is_missing_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^fleet .*none\.yaml: no such file"):
        load_fleet(tmp_path / "none.yaml")
    (tmp_path / "fleet.yaml").write_text(LEAST)
    assert load_fleet(tmp_path / "fleet.yaml").source == str(tmp_path / "fleet.yaml")


def test_the_builtin_fleet_tells_its_story_in_three_minutes() -> None:
    fleet = builtin_fleet()
    assert {variant.name: variant.cost for variant in fleet.variants} == {"a100": 3.6, "h100": 6.0}
    assert {(variant.min, variant.initial) for variant in fleet.variants} == {(0, 0)}
    (entry,) = fleet.workload
    assert entry.synthetic is not None
    assert 150 <= entry.synthetic.rate[-1][0] / fleet.speed <= 190


def test_a_fleet_can_be_simulated(tmp_path: Path) -> None:
    fleet = parse(FULL, tmp_path)
    scenario = as_scenario(fleet)
    assert fleet_variants(scenario) == fleet_variants(fleet)
    assert scenario.models == fleet.models
    assert (scenario.gateway.queue, scenario.gateway.hold_above) == (Queue.GATEWAY, 7)
    assert (scenario.control, scenario.seeds) == (fleet.control, (4,))
    assert [(nodes.accelerator, nodes.gpus, nodes.count) for nodes in scenario.nodes or ()] == [
        ("A100-80GB", 2, 2),
        ("H100-80GB", 2, 1),
    ]
    assert 20 < len(draw_workload(scenario, read_sources(scenario), 4)) < 120
    with pytest.raises(UserError, match="there is nothing to simulate"):
        as_scenario(parse(LEAST, tmp_path))
