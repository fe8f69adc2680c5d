"""What is done to replicas by hand is what their dataclass does."""

from dataclasses import fields, replace

from wva.fleet.replica import Instance, Phase, Replica

REPLICA = Replica("r", Phase.READY, "why", 1.0, 2.0, 3.0, 4.0, "5", (), "node")


def test_other_instances_and_nothing_else() -> None:
    values = [getattr(REPLICA, field.name) for field in fields(Replica)]
    # All differ, and from what a field has where nothing is said.
    assert len(set(values)) == len(values)
    assert None not in values
    instances = (Instance("r/0", None, None),)
    assert REPLICA.with_instances(instances) == replace(REPLICA, instances=instances)
