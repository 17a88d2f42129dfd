"""One contract for all engines, and what is particular to each."""
