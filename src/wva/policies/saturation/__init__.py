"""The reference autoscaler's two saturation analyzers, each with its own loop, gauge and HPA.

``saturation-percent`` is its first analyzer as the engine of February 2026 ran it, ``saturation-tokens`` its second as
that of August 2026 did. ``defects`` lists what they are known to do wrong: all of it is kept.
"""
