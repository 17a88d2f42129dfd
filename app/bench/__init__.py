"""The Labo's engine: plan, sample, measure, judge, rank. Runs through the chat's queue, last in it. No pages here."""
