"""Continuous batching as vLLM's scheduler does it, for many engines, in closed form between changes of a batch.

Between two changes (an admission, the end of a prefill, a completion, a full KV cache) the batch is fixed, and the step
time is affine in the context: ``k`` decode steps are a sum, so they are taken at once. Everything is in integer
picoseconds, so the sum equals the step-by-step result exactly.
"""
