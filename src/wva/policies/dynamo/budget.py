"""The GPUs that a planner may use, in the manner of ``guard_single_scaling_budget``."""

from wva.policies.dynamo.config import PlannerConfig


def within_budget(current: int, proposed: int, gpus: int, config: PlannerConfig) -> int:
    """The proposal, or as many replicas of so many GPUs as the budget has room for.

    A count that is above the budget comes down to it whatever is proposed. A budget that has no room for the endpoints
    that must be kept has room for none.
    """
    if config.max_gpu_budget < 0:
        return proposed
    most = config.max_gpu_budget // gpus
    if most < config.min_endpoint:
        most = 0
    return most if current > most else min(proposed, most)
