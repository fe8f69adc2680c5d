"""What a pod template's model server was told, in the ways that people write it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.fleet.variant import EngineArguments
from wva.kubernetes.arguments.server import ServerArguments, server_arguments
from wva.kubernetes.arguments.values import parse_count


def container(*args: str, command: tuple[str, ...] = (), gpus: int = 1, **more: Any) -> dict[str, Any]:
    resources = {"limits": {"nvidia.com/gpu": str(gpus)}} if gpus else {}
    return {"name": "server", "command": [*command], "args": [*args], "resources": resources, **more}


def read(*containers: dict[str, Any]) -> ServerArguments:
    found = server_arguments({"containers": list(containers)})
    assert isinstance(found, ServerArguments), found
    return found


def shell(script: str, *args: str, **more: Any) -> ServerArguments:
    return read(container(script, *args, command=("/bin/bash", "-ec"), **more))


FULL = ServerArguments(
    container="server",
    model="Qwen/Qwen3-32B",
    served_names=("qwen", "qwen3"),
    port=8200,
    tensor_parallel=4,
    pipeline_parallel=2,
    data_parallel=8,
    max_model_len=32_768,
    max_num_seqs=128,
    max_num_batched_tokens=16_000,
    gpu_memory_utilization=0.92,
    dtype="bfloat16",
    quantization="fp8",
    kv_cache_dtype="fp8_e5m2",
    prefix_caching=False,
    chunked_prefill=True,
    enforce_eager=True,
)
FLAGS = (
    "--served-model-name qwen qwen3 --port 8200 -tp 4 -pp=2 --data_parallel_size 8 --max-model-len 32K "
    "--max_num_seqs=128 --max-num-batched-tokens=16k --gpu-memory-utilization 0.92 --dtype bfloat16 -q fp8 "
    "--kv-cache-dtype fp8_e5m2 --no-enable-prefix-caching --enable-chunked-prefill --enforce-eager"
)


@pytest.mark.parametrize(
    ("command", "args"),
    [
        pytest.param(("vllm", "serve"), ("Qwen/Qwen3-32B", *FLAGS.split()), id="exec"),
        pytest.param(("/opt/bin/vllm",), ("serve", "--model=Qwen/Qwen3-32B", *FLAGS.split()), id="model as an option"),
        pytest.param(
            ("python3", "-m", "vllm.entrypoints.openai.api_server"),
            ("--model", "Qwen/Qwen3-32B", *FLAGS.split()),
            id="module",
        ),
        pytest.param(
            ("python3", "-m", "vllm.entrypoints.cli.main", "serve"), ("Qwen/Qwen3-32B", *FLAGS.split()), id="main"
        ),
        pytest.param(
            ("vllm", "serve"), ("--trust-remote-code", "Qwen/Qwen3-32B", *FLAGS.split()), id="model behind a switch"
        ),
        pytest.param(("sh", "-c"), (f"vllm serve Qwen/Qwen3-32B {FLAGS}",), id="shell"),
        pytest.param(("/bin/sh", "-c", f"exec vllm serve 'Qwen/Qwen3-32B' {FLAGS}"), (), id="exec in a shell"),
        pytest.param(
            ("bash", "-c"),
            ("set -e; cd /tmp\nexport A=1 && vllm serve \\\n\tQwen/Qwen3-32B " + FLAGS.replace(" --", " \\\n  --"),),
            id="lines",
        ),
        pytest.param(
            ("bash", "-lc"),
            (f"# vllm serve x\nMODEL=Qwen/Qwen3-32B # a comment\nA=/x vllm serve $MODEL {FLAGS} 2>&1 | tee log",),
            id="assignments, comments, redirections",
        ),
        pytest.param(
            ("bash", "-c", 'vllm serve "$@"', "--"), ("Qwen/Qwen3-32B", *FLAGS.split()), id="arguments of the script"
        ),
        pytest.param(
            ("sh", "-c", f"echo vllm serve other; nice -n 5 vllm serve Qwen/Qwen3-32B {FLAGS}"), (), id="behind another"
        ),
        pytest.param(("env", "A=b", "vllm"), ("serve", "Qwen/Qwen3-32B", *FLAGS.split()), id="env"),
    ],
)
def test_the_same_server_however_it_is_written(command: tuple[str, ...], args: tuple[str, ...]) -> None:
    assert read(container(*args, command=command)) == FULL


def test_an_image_that_starts_vllm_by_itself_gives_arguments_alone() -> None:
    plain = container("Qwen/Qwen3-32B", *FLAGS.split(), image="docker.io/vllm/vllm-openai:v0.32.0")
    assert read(plain) == FULL
    assert read({**plain, "image": "ghcr.io/llm-d/llm-d-inference-sim:v1"}) == FULL
    assert read({**plain, "image": "registry:5000/own/server@sha256:00"}) == FULL, "the only one with GPUs"


def test_what_is_not_given_is_unknown_and_only_the_port_has_a_default() -> None:
    assert read(container("m", image="vllm/vllm-openai")) == ServerArguments("server", "m", ("m",), port=8000)
    assert read(container("m", image="vllm/vllm-openai")).engine == EngineArguments()


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        pytest.param("--max-num-seqs 5 --max-num-seqs=7", {"max_num_seqs": 7}, id="the last wins"),
        pytest.param("--enforce-eager --no-enforce-eager", {"enforce_eager": False}, id="the last switch wins"),
        pytest.param("--enable-prefix-caching=false", {"prefix_caching": False}, id="a switch with a value"),
        pytest.param("--max-model-len auto", {}, id="auto"),
        pytest.param("--max-model-len -1", {}, id="-1 is a value and means auto"),
        pytest.param("--max-model-len 25.6k", {"max_model_len": 25_600}, id="a fraction"),
        pytest.param("--max-model-len 1M", {"max_model_len": 1_048_576}, id="binary"),
        pytest.param("--trust-remote-code --max-num-seqs 9", {"max_num_seqs": 9}, id="other switches"),
        pytest.param("--seed 3 --api-key=k -O3 --max-num-seqs 9", {"max_num_seqs": 9}, id="other options"),
        pytest.param("--data-parallel-size 16 -dpl 8", {"data_parallel": 16, "data_parallel_local": 8}, id="local"),
        pytest.param("--compilation-config '{\"level\": 3}' -tp 2", {"tensor_parallel": 2}, id="JSON"),
    ],
)
def test_options(words: str, changed: dict[str, Any]) -> None:
    assert shell(f"vllm serve m {words}") == replace(ServerArguments("server", "m", ("m",), port=8000), **changed)


def test_variables_of_the_template_are_filled_in_and_others_are_unknown() -> None:
    env = [
        {"name": "SEQS", "value": "64"},
        {"name": "BOTH", "value": "--max-num-seqs $(SEQS) --enforce-eager"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "VLLM_DP_SIZE", "value": "2"},
    ]
    by_kubernetes = read(container("serve", "$(SECRET)", "--max-num-seqs=$(SEQS)", command=("vllm",), env=env))
    assert (by_kubernetes.model, by_kubernetes.served_names, by_kubernetes.max_num_seqs) == (None, (), 64)
    assert by_kubernetes.data_parallel == 2, "from VLLM_DP_SIZE, as no argument says otherwise"
    assert by_kubernetes.problems == ("MODEL …: depends on what only the running container knows",)

    split = shell('vllm serve "$MODEL" $BOTH', env=env)
    assert (split.max_num_seqs, split.enforce_eager, split.model) == (64, True, None)
    quoted = shell('vllm serve m "$BOTH"', env=env)
    assert quoted.max_num_seqs is None, "in quotes it is one word"
    default = shell("vllm serve m --max-num-seqs ${N:-32} -tp ${SEQS:-1} -pp $(nproc) --port `port`", env=env)
    assert (default.max_num_seqs, default.tensor_parallel) == (32, 64)
    assert (default.pipeline_parallel, default.port, len(default.problems)) == (None, None, 2)
    taken_in = shell("vllm serve m --max-num-seqs ${N:-32}", envFrom=[{"configMapRef": {"name": "c"}}])
    assert taken_in.max_num_seqs is None, "the ConfigMap may set N"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("--max-num-seqs many", "--max-num-seqs many: cannot be read"),
        ("--max-num-seqs 0", "--max-num-seqs 0: cannot be read (0 is below 1)"),
        ("--port 70000", "--port 70000: cannot be read (70000 is no port)"),
        ("--gpu-memory-utilization 90", "--gpu-memory-utilization 90: cannot be read"),
        ("--max-num-seqs --enforce-eager", "--max-num-seqs: has no value"),
        ("--config /etc/vllm.yaml", "--config /etc/vllm.yaml: what the file says cannot be seen"),
    ],
)
def test_what_cannot_be_read_is_unknown_and_said(words: str, problem: str) -> None:
    found = read(container("m", *words.split(), image="vllm"))
    assert len(found.problems) == 1
    assert found.problems[0].startswith(problem)
    assert (found.max_num_seqs, found.gpu_memory_utilization) == (None, None)


def test_a_sidecar_does_not_lend_its_flags_to_the_server() -> None:
    server = container("serve", "m", "--port", "8200", command=("vllm",))
    proxy = container(
        "--port=8000", "--vllm-port=8200", "--max-num-seqs=1", gpus=0, image="llm-d/llm-d-routing-sidecar"
    )
    for containers in ([server, {**proxy, "name": "proxy"}], [{**proxy, "name": "proxy"}, server]):
        found = server_arguments({"containers": containers, "initContainers": [container("vllm", "serve", "other")]})
        assert found == ServerArguments("server", "m", ("m",), port=8200)


def test_where_there_is_no_server_it_says_why() -> None:
    nothing = server_arguments({"containers": [container("sleep", gpus=0), container("x", gpus=0)]})
    assert nothing == "no container starts vLLM, bears its name in its image, or is the only one with GPUs"
    other = server_arguments({"containers": [container("sglang.launch_server", command=("python3", "-m"))]})
    assert other == "the model server is SGLang, whose arguments are not read"
    assert server_arguments({}) == nothing


def test_the_emulator_is_read_like_what_it_stands_for() -> None:
    found = read(container("--model", "m", "--tensor-parallel", "2", command=("wva", "emulate"), gpus=2))
    assert (found.model, found.tensor_parallel) == ("m", 2)


@pytest.mark.parametrize(
    ("text", "count"), [("7", 7), ("1k", 1000), ("1K", 1024), ("2M", 2_097_152), ("1.5m", 1_500_000)]
)
def test_counts(text: str, count: int) -> None:
    assert parse_count(text) == count


@given(st.text(alphabet="ab $\"'\\`(){}&|;<>#=-\n/\0", max_size=40), st.booleans())
def test_no_script_breaks_the_reading(script: str, served: bool) -> None:
    server_arguments({"containers": [container(f"{'vllm serve ' if served else ''}{script}", command=("sh", "-c"))]})


@given(st.lists(st.text(alphabet="ab c'\"\\$#&|;\n", max_size=6), max_size=4))
def test_words_survive_quoting(words: list[str]) -> None:
    quoted = " ".join("'" + word.replace("$", "$$").replace("'", "'\\''") + "'" for word in words)
    found = shell(f"vllm serve m --served-model-name {quoted}")
    assert found.served_names == tuple(word for word in words if word)
