"""Runs that are made once: found again by what they depend on, spread over processes."""
