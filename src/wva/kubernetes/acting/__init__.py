"""How a plan comes true: pods are taken out of service, end their requests and are stopped, and counts are written."""
