"""Statistics on samples: intervals, leaderboard, regressions between runs, trade-off and recommendation."""
