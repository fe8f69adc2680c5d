"""Values of options as numbers, in the spellings that vLLM takes."""

import re

_COUNT = re.compile(r"(\d+(?:\.\d+)?)([kmgtKMGT])")
_FACTORS = {suffix: 1000**power for power, suffix in enumerate("kmgt", 1)} | {
    suffix: 1024**power for power, suffix in enumerate("KMGT", 1)
}


def parse_count(text: str) -> int:
    """A count with an optional suffix: ``32k`` is 32,000, ``32K`` is 32,768, ``25.6k`` is 25,600.

    Raises:
        ValueError: It is none, or a fraction stands in front of a binary suffix.

    """
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        return int(text)
    number, suffix = match.groups()
    return int(float(number) * _FACTORS[suffix]) if suffix.islower() else int(number) * _FACTORS[suffix]


def parse_positive(text: str) -> int:
    """A count of at least 1.

    Raises:
        ValueError: It is none.

    """
    count = parse_count(text)
    if count < 1:
        raise ValueError(f"{count} is below 1")
    return count


def parse_port(text: str) -> int:
    """A port to listen on.

    Raises:
        ValueError: It is none.

    """
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError(f"{port} is no port")
    return port


def parse_share(text: str) -> float:
    """A part above 0 up to 1.

    Raises:
        ValueError: It is none.

    """
    share = float(text)
    if not 0 < share <= 1:
        raise ValueError(f"{share} is not above 0 and at most 1")
    return share
