"""Random decisions: every optional value now and then unknown, every float now and then NaN or infinite."""

from dataclasses import fields

from hypothesis import strategies as st

from tests.record.threshold import ThresholdMemory
from wva.fleet.inventory import Inventory, Pool
from wva.fleet.model import Model
from wva.fleet.observation import CarrierTraits, ModelObservation, Observation, Traffic, VariantObservation
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan
from wva.fleet.replica import Instance, InstanceMetrics, Replica
from wva.fleet.variant import Variant
from wva.record.decision import Decision

# Surrogates are no characters: UTF-8, and so JSON, cannot hold them.
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
st.register_type_strategy(str, TEXT)

METRICS = st.builds(
    InstanceMetrics, st.floats(), *[st.one_of(st.none(), st.floats()) for _ in fields(InstanceMetrics)[1:]]
)
INSTANCES = st.builds(Instance, metrics=st.one_of(st.none(), METRICS))
REPLICAS = st.builds(Replica, instances=st.lists(INSTANCES, max_size=2).map(tuple))
VARIANTS = st.builds(
    VariantObservation,
    variant=st.builds(Variant, scale_target=st.none()),
    traits=st.builds(CarrierTraits, tolerance=st.one_of(st.none(), st.floats())),
    replicas=st.lists(REPLICAS, max_size=3).map(tuple),
)
TIMES = st.floats(allow_nan=False, allow_infinity=False)


def observations(now: float) -> st.SearchStrategy[Observation]:
    return st.builds(
        Observation,
        now=st.just(now),
        models=st.lists(
            st.builds(ModelObservation, model=st.builds(Model), traffic=st.one_of(st.none(), st.builds(Traffic))),
            max_size=2,
        ).map(tuple),
        variants=st.lists(VARIANTS, max_size=2).map(tuple),
        inventory=st.builds(Inventory, pools=st.lists(st.builds(Pool), max_size=1).map(tuple)),
    )


def _decision(now: float) -> st.SearchStrategy[Decision[ThresholdMemory]]:
    return st.builds(
        Decision,
        observation=observations(now),
        plan=st.builds(Plan),
        memory=st.builds(ThresholdMemory, last_growth=st.one_of(st.none(), st.floats())),
        outcomes=st.lists(st.builds(Outcome), max_size=2).map(tuple),
        duration_s=st.floats(0, 10),
    )


RUNS = st.lists(TIMES, max_size=6).flatmap(lambda times: st.tuples(*map(_decision, sorted(times))))
