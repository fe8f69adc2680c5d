"""What routing needs to know of a kind of server: how much longer a request takes on it than on another."""

from wva.engine.capacity import sustainable
from wva.engine.mix import RequestMix
from wva.engine.server import Server
from wva.fleet.model import Objectives

ROUTING_MIX = RequestMix(input_tokens=1000, output_tokens=250)
"""The request by which kinds of servers are compared."""

_UNABLE_S = 1e9
"""Cost of a server that cannot keep the objectives: it is chosen last."""


def request_cost_s(server: Server, objectives: Objectives) -> float:
    """Reciprocal of the rate of typical requests that a server sustains within the objectives."""
    rate = sustainable(server, ROUTING_MIX, objectives).requests_per_s
    return 1.0 / rate if rate > 0 else _UNABLE_S


def full_load_s(objectives: Objectives) -> float:
    """Seconds for which a server with a full KV cache looks busy: a typical answer's, at the objective for TPOT."""
    return ROUTING_MIX.decode_steps * objectives.tpot_s
