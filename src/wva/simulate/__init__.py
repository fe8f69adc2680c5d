"""A fleet in virtual time: traffic, one gateway, replicas that start, serve, drain and crash, and what it all cost."""
