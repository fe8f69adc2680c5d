"""Where static settings come from: a flag goes before the environment, that before the file, that before the default.

What is empty is not said. A value that cannot be is an error that names its key, itself and where it is from.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wva.fleet.errors import UserError
from wva.kubernetes.settings import Settings, keys
from wva.kubernetes.settings_values import MetricsSource
from wva.scenario.text import parse_yaml
from wva.scenario.validate import read_text

FILE = Path("/etc/wva/config.yaml")
"""Where the controller's main ConfigMap is mounted."""

_FIXED = {
    "CONFIG_MAP_NAME": "wva-manager-config",
    "SATURATION_CONFIG_MAP_NAME": "wva-saturation-scaling-config",
}
"""The reference's settings that are fixed here, each with the value that it has."""
_WITHOUT_EFFECT = {
    "WVA_LIMITED_MODE": "say what there is with WVA_POOLS",
    "SCALE_FROM_ZERO_ENGINE_MAX_CONCURRENCY": "wakes are decided together",
    "QUEUEING_MODEL_CONFIG_MAP_NAME": "that analyzer is not here",
    "EXPERIMENTAL_COORDINATOR_ENABLED": "all variants are planned together",
    "COORDINATOR_INTERVAL": "all variants are planned together",
    "ENABLE_HTTP2": "metrics are served by HTTP/1.1",
    "WEBHOOK_CERT_PATH": "there are no webhooks",
    "WEBHOOK_CERT_NAME": "there are no webhooks",
    "WEBHOOK_CERT_KEY": "there are no webhooks",
    "OTEL_TARGET_ENDPOINT_GRPC": "there is no tracing",
    "OTEL_TARGET_CA_CERT_PATH": "there is no tracing",
    "DISABLE_CRD_AUTO_RESTART": "kinds that appear are taken in without a restart",
    **{
        f"PROMETHEUS_METRICS_CACHE_{name}": "ages come with the samples"
        for name in ("TTL", "CLEANUP_INTERVAL", "FETCH_INTERVAL", "FRESH_THRESHOLD", "STALE_THRESHOLD")
    },
    "PROMETHEUS_METRICS_CACHE_UNAVAILABLE_THRESHOLD": "ages come with the samples",
}
"""The reference's settings that do nothing here, each with the reason."""
_OLD_NAMES = {"V": "LOG_LEVEL"}
_SERVICE_LINK = re.compile(r"(_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$")
"""How Kubernetes ends the names that it sets for every Service of a pod's namespace."""
_SWITCHES = frozenset(key for key, default in keys().items() if isinstance(default, bool))
_CONFIG_FILE = "CONFIG_FILE"
"""The one flag that is no setting: another file to read."""
_SECRETS = frozenset({"PROMETHEUS_BEARER_TOKEN", "EPP_METRIC_READER_BEARER_TOKEN"})


@dataclass(frozen=True, slots=True)
class Found:
    """Settings, and what is to be said of how they were given."""

    settings: Settings
    notices: tuple[str, ...]
    """What has no effect, one line each."""


@dataclass(frozen=True, slots=True)
class _Said:
    value: Any
    source: str


def load_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Found:
    """The settings by a command line, an environment and the file that they name, or the usual one where there is one.

    Raises ``UserError`` in one line where they are wrong or the file cannot be read.
    """
    flags = parse_flags(arguments)
    named = flags.pop(_CONFIG_FILE, None)
    file = FILE if named is None else Path(named)
    text = read_text(file, "configuration") if named is not None or file.exists() else None
    return parse_settings(flags, environ, text, file)


def parse_flags(arguments: Sequence[str]) -> dict[str, str]:
    """Flags by key: ``--leader-elect``, ``--leader-elect=false``, ``--global-opt-interval 15s``; one dash will do.

    Raises ``UserError`` for what is no flag of the controller's, or has no value.
    """
    flags: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        key = name.replace("-", "_").upper()
        if not word.startswith("-") or not (_known(key) or key == _CONFIG_FILE):
            raise UserError(f"{word}: no such flag; flags are keys in small letters, as --log-level=debug")
        if not equals and key in _SWITCHES:
            value = "true"
        elif not equals:
            if not rest:
                raise UserError(f"{word}: has no value; write {word}=VALUE")
            value = rest.pop(0)
        flags[key] = value
    return flags


def parse_settings(
    flags: Mapping[str, str], environ: Mapping[str, str], text: str | None = None, file: Path = FILE
) -> Found:
    """The settings by flags (by key), environment and the file's text, ``None`` where there is no file.

    Raises ``UserError`` in one line where a value is impossible, or two are together.
    """
    read = {} if text is None else {str(key): value for key, value in parse_yaml(text, str(file)).items()}
    layers = (
        (read, str(file)),
        ({key: value for key, value in environ.items() if _known(key)}, "environment"),
        (flags, "flag"),
    )
    said: dict[str, _Said] = {}
    for layer, source in layers:
        for key, value in layer.items():
            if value is not None and value != "":
                said[_name(key, layer)] = _Said(value, source)
    notices = (*_unknown(read, environ, file), *_idle(said))
    settings = _validated({key: each for key, each in said.items() if key in keys()})
    _check(settings, said)
    return Found(settings, notices)


def _known(key: str) -> bool:
    return key in keys() or key in _OLD_NAMES or key in _FIXED or key in _WITHOUT_EFFECT


def _name(key: str, layer: Mapping[str, Any]) -> str:
    """The present name of a key; where a layer has both, the old one stays what it is, and has no effect."""
    new = _OLD_NAMES.get(key, key)
    return key if new in layer else new


def _unknown(read: Iterable[str], environ: Iterable[str], file: Path) -> list[str]:
    of_file = [
        f"{key} of {file}: no such setting; remove it or correct its spelling" for key in read if not _known(key)
    ]
    ours = sorted(key for key in environ if key.startswith("WVA_") and not _SERVICE_LINK.search(key))
    return of_file + [
        f"{key} of the environment: no such setting; remove it or correct its spelling"
        for key in ours
        if not _known(key)
    ]


def _idle(said: Mapping[str, _Said]) -> list[str]:
    """What is said in vain."""
    lines = []
    for key, each in said.items():
        if key in _FIXED and each.value != _FIXED[key]:
            lines.append(f"{key} {each.value!r} ({each.source}) has no effect: it is always {_FIXED[key]}")
        elif key in _WITHOUT_EFFECT:
            lines.append(f"{key} ({each.source}) has no effect: {_WITHOUT_EFFECT[key]}")
    return lines


def _validated(said: Mapping[str, _Said]) -> Settings:
    try:
        return Settings.model_validate({key: each.value for key, each in said.items()})
    except ValidationError as error:
        first = error.errors()[0]
        key, *inside = (str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        raise _wrong(key, said[key], ": ".join([*inside, what])) from None


def _check(settings: Settings, said: Mapping[str, _Said]) -> None:
    """What is possible by itself and not together."""
    url = settings.prometheus_base_url
    if url is not None and not url.startswith("https://"):
        if not url.startswith("http://"):
            raise _wrong("PROMETHEUS_BASE_URL", said["PROMETHEUS_BASE_URL"], "must be an address, https://HOST:PORT")
        if not settings.prometheus_allow_http:
            what = "is not https, so anybody on the way can make up figures; PROMETHEUS_ALLOW_HTTP=true takes it anyway"
            raise _wrong("PROMETHEUS_BASE_URL", said["PROMETHEUS_BASE_URL"], what)
    if url is None and settings.metrics_from is MetricsSource.PROMETHEUS:
        raise _wrong("WVA_METRICS_SOURCE", said["WVA_METRICS_SOURCE"], "needs PROMETHEUS_BASE_URL; set it")
    for one, other in (("WVA_OBJECTIVE_TTFT", "WVA_OBJECTIVE_TPOT"), ("WVA_OBJECTIVE_TPOT", "WVA_OBJECTIVE_TTFT")):
        if one in said and other not in said:
            raise _wrong(one, said[one], f"needs {other} beside it; set both")
    if settings.prometheus_client_key_path is not None and settings.prometheus_client_cert_path is None:
        key = "PROMETHEUS_CLIENT_KEY_PATH"
        raise _wrong(key, said[key], "needs PROMETHEUS_CLIENT_CERT_PATH beside it; set both")
    try:
        _ = settings.election
    except ValueError as error:
        names = [key for key in said if key.startswith("LEADER_ELECTION_") and key != "LEADER_ELECTION_ID"]
        raise _wrong(names[0], said[names[0]], f"durations of the election: {error}") from None


def _wrong(key: str, said: _Said, what: str) -> UserError:
    value = "" if key in _SECRETS else f" {said.value!r}"
    return UserError(" ".join(f"{key}{value} ({said.source}): {what}".split()))
