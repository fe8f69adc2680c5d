"""The live page of a running fleet: a process of its own that reads the fleet's control API and shows it."""
