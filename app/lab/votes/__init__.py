"""Blind votes: campaigns, the pairs of answers to vote on, and the ranking of the models by the votes."""
