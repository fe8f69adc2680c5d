"""The body whose replicas are pods: from API objects to the fleet's nouns and back."""
