"""How the fleet of a cluster is measured: its pods, and the endpoint pickers in front of them."""
