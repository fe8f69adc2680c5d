"""A whole fleet that lives on one machine: its parts put together, watched and told what to do."""
