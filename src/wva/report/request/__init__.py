"""One request of a simulated run: what it got, where its time went, and which decision would have saved it."""
