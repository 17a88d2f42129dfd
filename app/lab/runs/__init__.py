"""Measuring runs: made definite for this server, carried sample after sample, each kept as it ends."""
