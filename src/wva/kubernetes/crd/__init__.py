"""The ``VariantAutoscaling`` custom resource: its schema for the API server and its models for us."""
