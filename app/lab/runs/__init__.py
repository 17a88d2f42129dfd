"""Benchmark runs: plan them, execute them sample by sample, store, query, import and export them."""
