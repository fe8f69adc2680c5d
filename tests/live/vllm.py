"""Live fleets of real vLLM servers on a CPU, which serve a model that is made on the spot: nothing is downloaded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.fleets import descendants
from tests.live.tiny_model import LONGEST, write_tiny_model
from wva.fleet.huggingface import read_config
from wva.fleet.user_catalogue import add_model
from wva.local.replica import LocalReplica

PROGRAM = os.environ.get("WVA_VLLM")
needs_vllm = pytest.mark.skipif(PROGRAM is None, reason="WVA_VLLM names no vllm program; docs/vllm.md says how to")
START_S = 600.0
"""Seconds within which a server is ready on a busy machine; the first of all compiles."""
BLOCKS = 64
BLOCK_TOKENS = 128
"""vLLM's blocks on a CPU."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the fleets of a test run have in common."""

    model: Path
    """Directory of the tiny model, which is its name in the catalogue too."""
    cache: Path
    """What servers compile, for the next."""

    def fleet_text(self, *, lowest: int = 0, replicas: str = "", more: str = "") -> str:
        """A fleet of up to two servers on pretended hardware; a policy that gives up idle replicas within a minute."""
        return f"""
name: tests
models: {{m: {{shape: "{self.model}", precision: bf16, objectives: {{ttft: 5s, tpot: 200ms}}}}}}
variants:
  - {{name: v, model: m, accelerator: L4, cost: 1, min: {lowest}, max: 2, startup: 60s, max_num_seqs: 16}}
replicas:
  command: >-
    "{PROGRAM}" serve {{shape}} --served-model-name {{model}} --host {{host}} --port {{port}} --load-format dummy
    --max-num-seqs {{max_num_seqs}} --max-model-len {LONGEST} --num-gpu-blocks-override {BLOCKS} --shutdown-timeout 20
    --disable-access-log-for-endpoints /health,/metrics
  environment:
    VLLM_CPU_KVCACHE_SPACE: "1"
    VLLM_CPU_OMP_THREADS_BIND: nobind
    OMP_NUM_THREADS: "1"
    VLLM_SERVER_DEV_MODE: "1"
    VLLM_NO_USAGE_STATS: "1"
    VLLM_CACHE_ROOT: {self.cache}
    HF_HUB_OFFLINE: "1"
  {replicas}
gateway: {{port: 0, first_token_timeout: 10m}}
control: {{interval: 2s, scrape: 1s}}
policy: {{name: wva, options: {{settings: {{idle_window_s: 20, level_window_s: 20, longest_hold_s: 20}}}}}}
dashboard: null
{more}
"""


@contextmanager
def vllm_place(directory: Path) -> Iterator[Place]:
    """Make the model, and have it in the user's catalogue meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(directory / "config"))
        model = write_tiny_model(directory / "tiny")
        add_model(read_config(str(model), model / "config.json"))
        yield Place(model, directory / "cache")


def engine_processes(replica: LocalReplica) -> list[int]:
    """The processes of a server below the one that answers its clients."""
    return processes(replica)[1:]


def processes(replica: LocalReplica) -> list[int]:
    """All processes of a server, the one that answers its clients first."""
    assert replica.process is not None
    return descendants(replica.process.keeper)
