"""Everything that an installation consists of, as objects for the API server."""
