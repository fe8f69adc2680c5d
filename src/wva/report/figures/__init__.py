"""The figures of a comparison: one file each, drawn wide for a page and narrow for a phone."""
