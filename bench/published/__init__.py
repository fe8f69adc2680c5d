"""What others published as scenarios: the same situations simulated, and both side by side."""
