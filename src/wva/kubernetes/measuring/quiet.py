"""Which models are known to have no request, and since when: only those may go to zero."""

from collections import defaultdict
from collections.abc import Mapping

from wva.decide.memory import Quiet
from wva.decide.quiet import watched
from wva.decide.settings import Settings
from wva.fleet.observation import Observation, VariantObservation

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
