"""Digests that tell whether a recorded run was made by this code with this configuration."""

import json
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

import wva

_DECIDING_PACKAGES = ("fleet", "engine", "decide", "policies")
_DECIDING_SUFFIXES = (".py", ".toml")


def _deciding_files(package: Path) -> Iterator[Path]:
    for name in _DECIDING_PACKAGES:
        yield from sorted(path for path in (package / name).rglob("*") if path.suffix in _DECIDING_SUFFIXES)


def digest_of_files(package: Path) -> str:
    """SHA-256 in hexadecimal over the files under ``package`` that a decision depends on, code and catalogues."""
    total = sha256()
    for path in _deciding_files(package):
        content = path.read_bytes()
        total.update(f"{path.relative_to(package).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


@cache
def code_digest() -> str:
    """``digest_of_files`` of the WVA that runs now, read once."""
    return digest_of_files(Path(wva.__file__).parent)


def configuration_digest(configuration: str) -> str:
    """SHA-256 in hexadecimal of a policy's configuration given as JSON; the order of its keys does not matter."""
    return sha256(json.dumps(json.loads(configuration), sort_keys=True).encode()).hexdigest()
