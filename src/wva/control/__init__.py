"""The loop of a live fleet: observe, decide, apply, record; and the seams through which it meets the world."""
