"""What the controller serves: probes for the kubelet, and its metrics for whom the API server lets read them."""
