"""The words behind ``vllm serve`` as options and values, read as vLLM's own parser reads them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_SHORT = {
    "-tp": "tensor-parallel-size",
    "-pp": "pipeline-parallel-size",
    "-dp": "data-parallel-size",
    "-dpl": "data-parallel-size-local",
    "-q": "quantization",
}
_ALIASES = {"model-tag": "model", "tensor-parallel": "tensor-parallel-size", "precision": "quantization"}
_SEVERAL = frozenset({"served-model-name"})
"""Options that take every word up to the next option."""
_VALUED = frozenset(_SHORT.values()) | {
    "model",
    "served-model-name",
    "port",
    "max-model-len",
    "max-num-seqs",
    "max-num-batched-tokens",
    "gpu-memory-utilization",
    "dtype",
    "kv-cache-dtype",
    "config",
}
_SWITCHES = ("no-", "enable-", "disable-", "enforce-", "trust-", "skip-", "use-", "return-", "async-", "headless")
"""Beginnings of the options that take no value: a word behind one is not its own."""
_NEGATIVE = re.compile(r"-\d+(\.\d+)?")


@dataclass(slots=True)
class Options:
    """What was given, the last of repeated options."""

    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Values by long name with dashes, without the two in front; several only where an option takes several."""
    flags: dict[str, bool] = field(default_factory=dict)
    """Switches that stand there: False for ``--no-NAME`` and ``--NAME=false``."""
    positional: tuple[str, ...] = ()


def parse_options(words: Sequence[str]) -> Options:
    """Options by their long names; underscores count as dashes, and a word after a switch is not its value."""
    options = Options()
    for name, values in _given(words):
        if name is None:
            options.positional += values
        elif name in _VALUED:
            options.values[name] = values
        elif values:
            # Of an option that is not read here; as a switch it says true or false.
            if values[0].lower() in ("true", "false"):
                options.flags[name] = values[0].lower() == "true"
        elif name.startswith("no-"):
            options.flags[name.removeprefix("no-")] = False
        else:
            options.flags[name] = True
    return options


def _given(words: Sequence[str]) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        if word == "--":
            yield None, tuple(words[place:])
            return
        if not _is_option(word):
            yield None, (word,)
            continue
        name, joined, value = word.partition("=")
        name = _long(name)
        if joined:
            yield name, (value,)
            continue
        end = place
        if name in _VALUED:
            while end < len(words) and not _is_option(words[end]) and (name in _SEVERAL or end == place):
                end += 1
        elif end < len(words) and not _is_option(words[end]):
            # Any other option that is not read here takes a value where one stands there.
            end += not name.startswith(_SWITCHES) or words[end].lower() in ("true", "false")
        yield name, tuple(words[place:end])
        place = end


def _is_option(word: str) -> bool:
    return len(word) > 1 and word[0] == "-" and not _NEGATIVE.fullmatch(word)


def _long(name: str) -> str:
    if not name.startswith("--"):
        return _SHORT.get(name, name)
    long = name[2:].replace("_", "-")
    return _ALIASES.get(long, long)
