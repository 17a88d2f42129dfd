"""Blind votes: what colleagues are shown, what their votes say, and what stays untold meanwhile."""
