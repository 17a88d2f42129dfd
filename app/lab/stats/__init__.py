"""Samples as figures: with their intervals, ranked, compared over time, weighed against each other."""
