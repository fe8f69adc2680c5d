"""How the API server is reached: addresses of objects, requests, and what its refusals mean."""
