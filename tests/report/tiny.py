"""A scenario of seconds: two models on few GPUs, with a crash and traffic that is too much for the start."""

from pathlib import Path

TINY = """
name: tiny
workload:
  - model: chat
    synthetic: {arrivals: poisson, rate: [[0s, 2], [60s, 40], [90s, 40]],
                input_tokens: {constant: 800}, output_tokens: {uniform: {min: 1, max: 100}}}
  - model: code
    synthetic: {arrivals: poisson, rate: [[0s, 1], [90s, 3]],
                input_tokens: {lognormal: {mean: 2000, cv: 1}}, output_tokens: {constant: 20}}
models:
  chat: {shape: meta-llama/Llama-3.1-8B-Instruct, precision: bf16, objectives: {ttft: 1s, tpot: 50ms}}
  code: {shape: meta-llama/Llama-3.1-8B-Instruct, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}}
variants:
  - {name: a100, model: chat, accelerator: A100-80GB, cost: 1.80, min: 1, max: 4, initial: 1, startup: 20s}
  - {name: h100, model: code, accelerator: H100-80GB, cost: 3.00, min: 1, max: 2, initial: 1, startup: 20s}
gateway: {queue: engine, first_token_timeout: 10s}
control: {interval: 5s, scrape: 5s}
crashes: [{at: 40s, variant: h100}]
seeds: [1, 2]
"""


def tiny(directory: Path, text: str = TINY) -> Path:
    """Write the scenario."""
    path = directory / "tiny.yaml"
    path.write_text(text)
    return path
