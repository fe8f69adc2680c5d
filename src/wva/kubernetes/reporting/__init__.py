"""What the controller says in the cluster of each variant, and what it keeps there for its successor."""
