"""Static settings: who goes before whom, every key's values, and errors that name key, value and source."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from wva.fleet.errors import UserError
from wva.fleet.inventory import Supply
from wva.fleet.model import Objectives
from wva.kubernetes.inventory import PoolPolicy
from wva.kubernetes.orders import Act
from wva.kubernetes.scope import Scope
from wva.kubernetes.settings import HOME, LEASE, Settings, keys
from wva.kubernetes.settings_source import load_settings, parse_flags, parse_settings
from wva.kubernetes.settings_values import Address, LogLevel, MetricsSource


def settings(flags: Mapping[str, str] | None = None, text: str | None = None, **environ: str) -> Settings:
    found = parse_settings(flags or {}, environ, text)
    assert found.notices == ()
    return found.settings


def test_nothing_given_is_a_safe_default() -> None:
    found = settings()
    assert (found.metrics_bind_address, found.health_probe_bind_address) == (Address("", 8443), Address("", 8081))
    assert (found.metrics_secure, found.leader_elect, found.lease) == (True, True, LEASE)
    assert (found.wva_act, found.wva_scale_to_zero) == (Act.ADVISORY, False)
    assert (found.metrics_from, found.prometheus) == (MetricsSource.DIRECT, None)
    assert (found.scope, found.global_opt_interval) == (Scope(HOME), 15.0)
    assert (found.objectives, found.wva_max_replicas_per_minute, found.wva_journal_dir) == (None, None, None)


def test_flag_before_environment_before_file_before_default() -> None:
    file = "{GLOBAL_OPT_INTERVAL: 30s, LOG_LEVEL: debug, WATCH_NAMESPACE: a}"
    found = settings({"WATCH_NAMESPACE": "c"}, file, WATCH_NAMESPACE="b", LOG_LEVEL="error")
    assert (found.watch_namespace, found.log_level, found.global_opt_interval) == ("c", LogLevel.ERROR, 30.0)
    assert found.rest_client_timeout == 10.0


def test_empty_is_not_said() -> None:
    found = settings({"LOG_LEVEL": ""}, "{WATCH_NAMESPACE: team, CONTROLLER_INSTANCE: }", WATCH_NAMESPACE="")
    assert (found.watch_namespace, found.controller_instance, found.log_level) == ("team", None, LogLevel.INFO)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("METRICS_BIND_ADDRESS", "0", None),
        ("METRICS_BIND_ADDRESS", ":0", Address("", 0)),
        ("METRICS_BIND_ADDRESS", "127.0.0.1:8443", Address("127.0.0.1", 8443)),
        ("METRICS_BIND_ADDRESS", "[::1]:8443", Address("::1", 8443)),
        ("METRICS_SECURE", "false", False),
        ("LEADER_ELECT", "0", False),
        ("GLOBAL_OPT_INTERVAL", "1m30s", 90.0),
        ("LOG_LEVEL", "WARN", LogLevel.WARNING),
        ("LOG_LEVEL", "5", LogLevel.DEBUG),
        ("V", "2", LogLevel.INFO),
        ("V", "4", LogLevel.DEBUG),
        ("PROMETHEUS_TOKEN_PATH", "/var/token", Path("/var/token")),
        ("PROMETHEUS_BEARER_TOKEN", "abc\n", "abc"),
        ("WVA_ACT", "gauge", Act.GAUGE),
        ("WVA_MAX_GPUS_PER_MINUTE", "16", 16),
    ],
)
def test_values_as_text(key: str, value: str, expected: object) -> None:
    found = settings({key: value})
    assert getattr(found, {"V": "log_level"}.get(key, key.lower())) == expected


def test_values_as_yaml_has_them() -> None:
    found = settings(text="{LEADER_ELECT: false, V: 4, WVA_MAX_REPLICAS_PER_MINUTE: 3, CONTROLLER_INSTANCE: 1}")
    assert (found.leader_elect, found.log_level) == (False, LogLevel.DEBUG)
    assert (found.wva_max_replicas_per_minute, found.controller_instance) == (3, "1")
    assert found.lease == f"1.{LEASE}"
    assert settings(WVA_NODE_SELECTOR="gpu=yes").scope == Scope(HOME, nodes="gpu=yes")


@pytest.mark.parametrize(
    ("said", "unlearned_s", "least_s"), [(None, 600.0, 60.0), ("20m", 1200.0, 60.0), ("20s", 20.0, 20.0)]
)
def test_patience_with_provisioning(said: str | None, unlearned_s: float, least_s: float) -> None:
    found = load_settings([], {} if said is None else {"WVA_PROVISIONING_PATIENCE": said}).settings.patience
    assert (found.unlearned_s, found.least_s) == (unlearned_s, least_s)


@pytest.mark.parametrize("source", ["file", "environment"])
def test_pools(source: str) -> None:
    text = "{h100-80gb: {supply: elastic, limit_gpus: 64, node_gpus: 8}, default: fixed}"
    found = settings(text=f"WVA_POOLS: {text}") if source == "file" else settings(WVA_POOLS=text)
    assert found.pools.otherwise == PoolPolicy(Supply.FIXED)
    assert found.pools.by_accelerator == {"H100-80GB": PoolPolicy(Supply.ELASTIC, 64, 8)}


def test_how_prometheus_is_reached() -> None:
    found = settings(
        PROMETHEUS_BASE_URL="https://p:9090", PROMETHEUS_BEARER_TOKEN="t", PROMETHEUS_CA_CERT_PATH="/ca.crt"
    )
    assert found.metrics_from is MetricsSource.PROMETHEUS
    assert found.prometheus is not None
    assert (found.prometheus.token, found.prometheus.ca_file, found.prometheus.insecure) == (
        "t",
        Path("/ca.crt"),
        False,
    )
    assert "'t'" not in repr(found) + repr(found.prometheus), "a log may show them"
    assert settings(PROMETHEUS_BASE_URL="http://p", PROMETHEUS_ALLOW_HTTP="true").prometheus is not None
    direct = settings(PROMETHEUS_BASE_URL="https://p", WVA_METRICS_SOURCE="direct")
    assert direct.metrics_from is MetricsSource.DIRECT


def test_objectives_come_together() -> None:
    assert settings(WVA_OBJECTIVE_TTFT="800ms", WVA_OBJECTIVE_TPOT="50ms").objectives == Objectives(0.8, 0.05)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"METRICS_BIND_ADDRESS": "8443"}, "must be an address such as :8443"),
        ({"HEALTH_PROBE_BIND_ADDRESS": ":99999"}, "must be an address"),
        ({"LEADER_ELECT": "maybe"}, "must be a valid boolean"),
        ({"GLOBAL_OPT_INTERVAL": "15"}, "must be a duration such as 15s"),
        ({"GLOBAL_OPT_INTERVAL": "100ms"}, "must be 1s or longer"),
        ({"REST_CLIENT_TIMEOUT": "0s"}, "must be longer than 0s"),
        ({"LOG_LEVEL": "loud"}, "must be 'debug', 'info', 'warning' or 'error'"),
        ({"POOL_GROUP": "x"}, "must be 'inference.networking.k8s.io'"),
        ({"PROMETHEUS_BASE_URL": "http://p"}, "PROMETHEUS_ALLOW_HTTP=true"),
        ({"PROMETHEUS_BASE_URL": "p:9090"}, "must be an address"),
        ({"WVA_METRICS_SOURCE": "prometheus"}, "needs PROMETHEUS_BASE_URL"),
        ({"WVA_OBJECTIVE_TTFT": "1s"}, "needs WVA_OBJECTIVE_TPOT"),
        ({"PROMETHEUS_CLIENT_KEY_PATH": "/k"}, "needs PROMETHEUS_CLIENT_CERT_PATH"),
        ({"LEADER_ELECTION_RENEW_DEADLINE": "20s"}, "must grow"),
        ({"LEADER_ELECTION_LEASE_DURATION": "15500ms"}, "whole seconds"),
        ({"WVA_ACT": "yes"}, "must be 'advisory', 'gauge' or 'direct'"),
        ({"WVA_MAX_REPLICAS_PER_MINUTE": "0"}, "greater than or equal to 1"),
        ({"WVA_POOLS": "fixed"}, "must be a mapping such as"),
        ({"WVA_POOLS": "{"}, "must be a mapping such as"),
        ({"WVA_POOLS": "{H10O: fixed}"}, "unknown accelerator 'H10O'"),
        ({"WVA_POOLS": "{default: plenty}"}, "default: supply: must be"),
    ],
)
def test_errors_name_key_value_and_source(given: dict[str, str], said: str) -> None:
    (key, value) = next(iter(given.items()))
    for flags, environ, source in (({}, given, "environment"), (given, {}, "flag")):
        with pytest.raises(UserError) as error:
            parse_settings(flags, environ)
        line = str(error.value)
        assert line.startswith(f"{key} {value!r} ({source}): ")
        assert said in line
        assert "\n" not in line


def test_the_files_errors_name_it() -> None:
    with pytest.raises(UserError, match=r"LEADER_ELECT 'x' \(/etc/wva/config.yaml\): must be a valid boolean"):
        parse_settings({}, {}, "LEADER_ELECT: x")
    with pytest.raises(UserError, match=r"/etc/wva/config.yaml: must be a mapping"):
        parse_settings({}, {}, "just words")


def test_a_secret_is_not_in_an_error() -> None:
    with pytest.raises(UserError) as error:
        parse_settings({}, {}, "PROMETHEUS_BEARER_TOKEN: [hush]")
    assert "hush" not in str(error.value)


def test_what_has_no_effect_is_said() -> None:
    environ = {
        "WVA_SCALE_TO_ZER0": "true",
        "WVA_LIMITED_MODE": "true",
        "SATURATION_CONFIG_MAP_NAME": "mine",
        "CONFIG_MAP_NAME": "wva-manager-config",
        "PATH": "/bin",
        "WVA_METRICS_SERVICE_HOST": "10.0.0.1",
        "WVA_METRICS_PORT_8443_TCP_ADDR": "10.0.0.1",
        "WVA_METRICS_SERVICE_PORT_HTTPS": "8443",
        "WVA_METRICS_PORT": "tcp://10.0.0.1:8443",
    }
    notices = parse_settings({}, environ, "{GLOBAL_OPT_INTERVALL: 15s, ENABLE_HTTP2: false}").notices
    assert [notice.split()[0] for notice in notices] == [
        "GLOBAL_OPT_INTERVALL",
        "WVA_SCALE_TO_ZER0",
        "ENABLE_HTTP2",
        "WVA_LIMITED_MODE",
        "SATURATION_CONFIG_MAP_NAME",
    ]


def test_flags_are_keys() -> None:
    given = [
        "--leader-elect",
        "--metrics-bind-address=:8443",
        "-v",
        "4",
        "--metrics-secure=false",
        "--wva-act",
        "direct",
    ]
    assert parse_flags(given) == {
        "LEADER_ELECT": "true",
        "METRICS_BIND_ADDRESS": ":8443",
        "V": "4",
        "METRICS_SECURE": "false",
        "WVA_ACT": "direct",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [("--leader-elekt", "no such flag"), ("leader-elect", "no such flag"), ("--log-level", "has no value")],
)
def test_flags_that_are_none(given: str, said: str) -> None:
    with pytest.raises(UserError, match=f"{given}: {said}"):
        parse_flags([given])


def test_every_key_has_a_flag() -> None:
    flags = [f"--{key.lower().replace('_', '-')}=x" for key in keys()]
    assert parse_flags(flags).keys() == keys().keys()


def test_another_file(tmp_path: Path) -> None:
    file = tmp_path / "wva.yaml"
    file.write_text("WATCH_NAMESPACE: team\n")
    assert load_settings(["--config-file", str(file)], {}).settings.watch_namespace == "team"
    with pytest.raises(UserError, match="no such file"):
        load_settings([f"--config-file={tmp_path / 'none.yaml'}"], {})
