"""How one model server behaves: step time, KV memory, limits and continuous batching, as vLLM does it."""
