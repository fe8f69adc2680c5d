"""One OpenAI-compatible endpoint for all models of a fleet: routing, and flow control in front of the replicas."""
