"""`make perf`: what the web side costs, measured against the bare engine, one row for each claim."""
