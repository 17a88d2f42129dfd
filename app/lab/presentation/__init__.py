"""Figures for people: charts with their tables, sentences, reports and files."""
