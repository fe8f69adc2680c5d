"""What a pod template says of the model server in it: pure functions from plain dictionaries."""
