"""Find out why answers are slower than they could be on this server, and how to fix it."""
