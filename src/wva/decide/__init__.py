"""The default brain: trust, demand, forecast, capacity, choice, guard, explanation. Pure: no clock, no I/O, no state.

``wva.decide.brain`` puts the steps together; each step is a file of its own.
"""
