"""ConfigMaps that merge, overrides that work, and bad ones that change nothing."""

import pytest

from wva.kubernetes.configuration.parse import SATURATION, SCALE_TO_ZERO, accept
from wva.kubernetes.configuration.settings import ModelSettings, model_settings
from wva.kubernetes.objects.config_map import ConfigMap, config_map


def given(name: str, namespace: str = "wva", version: str = "1", **data: str) -> ConfigMap:
    found = {"metadata": {"name": name, "namespace": namespace, "resourceVersion": version}}
    return config_map({**found, "data": {key.replace("__", "-"): text for key, text in data.items()}})


def settings(*maps: ConfigMap, model: str = "meta/llama", namespace: str = "team") -> ModelSettings:
    accepted = {each.meta.key: accept(None, each) for each in maps}
    assert [each.refusal for each in accepted.values()] == [None] * len(maps)
    return model_settings(accepted, "wva", namespace, model)


def test_without_any_nothing_is_said() -> None:
    found = settings()
    assert (found.priority, found.scale_to_zero, found.retention_s, found.problem) == (None, False, 600.0, None)


def test_the_references_own_map_is_accepted_with_analyzers_that_nobody_knows() -> None:
    text = """
      kvCacheThreshold: 0.80
      queueLengthThreshold: 5
      kvSpareTrigger: 0.1
      queueSpareTrigger: 3
      scaleUpThreshold: 0.85
      scaleDownBoundary: 0.70
      enableLimiter: false
      enableRescale: false
      analyzers: [{type: saturation, score: 1.0}, {type: tea-leaves}]
    """
    assert accept(None, given(SATURATION, default=text)).complaint is None
    found = settings(given(SATURATION, default=text)).saturation
    assert (found.kv_cache_threshold, found.queue_length_threshold, found.enable_limiter) == (0.8, 5, False)
    assert found.analyzers is not None
    assert len(found.analyzers) == 2


def test_a_namespace_merges_with_the_global_map_field_by_field() -> None:
    everywhere = given(SATURATION, default="{priority: 2, kvCacheThreshold: 0.9, queueSpareTrigger: 7}")
    team = given(SATURATION, "team", default="{queueSpareTrigger: 0, enableLimiter: false}")
    found = settings(everywhere, team)
    assert (found.priority, found.saturation.kv_cache_threshold) == (2, 0.9)
    assert (found.saturation.queue_spare_trigger, found.saturation.enable_limiter) == (0, False), "0 and false count"
    assert settings(everywhere, team, namespace="other").saturation.queue_spare_trigger == 7


def test_overrides_go_by_what_they_say_not_by_their_keys() -> None:
    maps = (
        given(
            SATURATION,
            default="priority: 1",
            llama="{model_id: meta/llama, priority: 5}",
            llama__team="{model_id: meta/llama, namespace: team, kvCacheThreshold: 0}",
            other="{model_id: other, priority: 9}",
        ),
    )
    here = settings(*maps)
    assert (here.priority, here.saturation.kv_cache_threshold) == (5, 0)
    elsewhere = settings(*maps, namespace="elsewhere")
    assert (elsewhere.priority, elsewhere.saturation.kv_cache_threshold) == (5, None)
    assert settings(*maps, model="none").priority == 1
    assert settings(*maps, given(SATURATION, "team", default="priority: 3")).priority == 3, "the model's namespace wins"


@pytest.mark.parametrize(
    ("maps", "to_zero", "retention_s"),
    [
        pytest.param([given(SCALE_TO_ZERO, default="enable_scale_to_zero: true")], True, 600, id="default"),
        pytest.param(
            [given(SCALE_TO_ZERO, default="{enable_scale_to_zero: true, retention_period: 15m}")],
            True,
            900,
            id="longer",
        ),
        pytest.param(
            [
                given(
                    SCALE_TO_ZERO,
                    default="{enable_scale_to_zero: true, retention_period: 1h30m}",
                    x="{model_id: meta/llama, enable_scale_to_zero: false}",
                )
            ],
            False,
            5400,
            id="not this model",
        ),
        pytest.param(
            [
                given(SCALE_TO_ZERO, default="enable_scale_to_zero: true"),
                given(SATURATION, default="scaleToZero: {enabled: false}"),
            ],
            False,
            600,
            id="the saturation map goes before",
        ),
    ],
)
def test_to_zero(maps: list[ConfigMap], to_zero: bool, retention_s: float) -> None:
    found = settings(*maps)
    assert (found.scale_to_zero, found.retention_s) == (to_zero, retention_s)


@pytest.mark.parametrize(
    ("name", "key", "text", "reason"),
    [
        (
            SATURATION,
            "default",
            "kvCacheThreshold: 2",
            "key default: kvCacheThreshold: Input should be less than or equal",
        ),
        (SATURATION, "default", "[1]", "key default: must be a mapping"),
        (SATURATION, "default", "{a: ", "key default: is no YAML"),
        (SATURATION, "x", "priority: 1", "key x: names no model; add model_id"),
        (
            SATURATION,
            "default",
            "{scaleUpThreshold: 0.6, scaleDownBoundary: 0.7}",
            "scaleUpThreshold 0.6 must be above",
        ),
        (SATURATION, "default", "{kvSpareTrigger: 0.6, kvCacheThreshold: 0.5}", "kvSpareTrigger 0.6 must not be above"),
        (SCALE_TO_ZERO, "default", "retention_period: 0s", "retention_period: must be longer than 0s"),
        (SCALE_TO_ZERO, "default", "retention_period: soon", "retention_period: must be a duration"),
        (SCALE_TO_ZERO, "default", "enable_scale_to_zero: maybe", "enable_scale_to_zero: "),
    ],
)
def test_a_bad_map_is_refused_with_one_reason_and_the_last_good_one_stays(
    name: str, key: str, text: str, reason: str
) -> None:
    good = accept(None, given(name, default="model_id: m"))
    bad = accept(good, given(name, version="2", **{"good": "model_id: n", key: text}))
    assert bad.layer == good.layer
    assert bad.refusal is not None
    assert bad.refusal.startswith(f"ConfigMap wva/{name}, key ")
    assert reason in bad.refusal
    assert "\n" not in bad.refusal
    mended = accept(bad, given(name, version="3", default="namespace: n"))
    assert (mended.refusal, mended.layer == good.layer) == (None, False)


def test_the_first_of_two_entries_for_one_model_counts() -> None:
    found = accept(None, given(SATURATION, b="{model_id: m, priority: 2}", a="{model_id: m, priority: 1}"))
    assert model_settings({("wva", SATURATION): found}, "wva", "team", "m").priority == 1
    assert found.layer.notices == (
        f"ConfigMap wva/{SATURATION}, key b: model m has an entry already, which counts; remove one",
    )


def test_names_that_are_no_settings_are_said() -> None:
    text = "kvCacheTreshold: 0.7\nscaleToZero: {enabled: true, after: 5m}"
    found = accept(None, given(SATURATION, default=text))
    where = f"ConfigMap wva/{SATURATION}, key default"
    assert found.refusal is None
    assert found.complaint == (
        f"{where}: kvCacheTreshold is no setting, so it has no effect; "
        f"{where}: scaleToZero.after is no setting, so it has no effect"
    )
    assert accept(None, given(SATURATION, default="kvCacheThreshold: 0.7")).complaint is None


def test_what_contradicts_itself_only_when_merged_is_left_out_and_said() -> None:
    found = settings(
        given(SATURATION, default="scaleDownBoundary: 0.7"), given(SATURATION, "team", default="scaleUpThreshold: 0.6")
    )
    assert (found.saturation.scale_down_boundary, found.saturation.scale_up_threshold) == (0.7, None)
    assert "scaleUpThreshold 0.6 must be above scaleDownBoundary 0.7" in (found.problem or "")


def test_the_same_version_is_not_read_again() -> None:
    first = accept(None, given(SATURATION, default="priority: 1"))
    assert accept(first, given(SATURATION, default="priority: 2")) is first
