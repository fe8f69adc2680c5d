"""Which models are known to have no request, and since when: only those may go to zero, all others stay awake."""

from collections import defaultdict
from collections.abc import Mapping

from wva.decide.memory import Quiet
from wva.decide.quiet import watched
from wva.decide.settings import Settings
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.variant import Variant
from wva.kubernetes.discovery import Discovered

_SETTINGS = Settings()


def quiet_models(observation: Observation, before: Mapping[str, Quiet]) -> dict[str, Quiet]:
    """Those without a request, by their names, after one more look at them."""
    variants = defaultdict[str, list[VariantObservation]](list)
    for seen in observation.variants:
        variants[seen.variant.model].append(seen)
    found = {}
    for observed in observation.models:
        name = observed.model.name
        quiet = watched(before.get(name), observed, variants[name], observation.now, _SETTINGS)
        if quiet is not None:
            found[name] = quiet
    return found


def kept_awake(decidable: Mapping[str, Discovered], quiet: Mapping[str, Quiet]) -> frozenset[str]:
    """Variants that keep a replica because their model may have had requests within its retention period.

    Of those of a model that have replicas, the cheapest of each role; one at zero is not woken for it.
    """
    kept: dict[tuple[str, str], Variant] = {}
    for each in decidable.values():
        variant, workload = each.variant, each.workload
        if variant is None or workload is None or workload.replicas == 0:
            continue
        known = quiet.get(variant.model)
        if known is not None and known.lasted_s >= each.settings.retention_s:
            continue
        place = (variant.model, variant.role)
        other = kept.get(place)
        if other is None or (variant.cost_per_hour, variant.name) < (other.cost_per_hour, other.name):
            kept[place] = variant
    return frozenset(variant.name for variant in kept.values())
