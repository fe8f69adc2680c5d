"""A fleet on this machine: replicas as processes, and the file that describes them."""
