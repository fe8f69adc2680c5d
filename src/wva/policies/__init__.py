"""Brains behind the one signature ``plan, memory = policy(observation, memory)``; ``registry`` names them for users."""
