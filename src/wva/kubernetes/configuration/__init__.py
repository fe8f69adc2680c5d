"""WVA's ConfigMaps, in the reference's keys: parsed whole or refused whole, and merged for every model."""
