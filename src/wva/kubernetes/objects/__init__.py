"""API objects, as the API server sends them, projected to slotted records of what is needed."""
