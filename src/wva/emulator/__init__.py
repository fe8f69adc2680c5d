"""A vLLM-compatible model server without a GPU: the engine model behind vLLM's HTTP interface, in real time or faster.

:mod:`~wva.emulator.engine` is pure and steps the shared engine model; :mod:`~wva.emulator.driver` ties it to a clock;
the rest is the HTTP edge.
"""
