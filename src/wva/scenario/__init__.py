"""Scenarios: one YAML file that fixes everything a comparison of policies depends on."""
