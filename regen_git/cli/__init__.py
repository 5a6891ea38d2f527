"""Turn words typed by a person into calls, and results into text and an exit status."""
