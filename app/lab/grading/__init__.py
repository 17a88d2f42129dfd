"""Grade an answer by its text: task checks, typical failures of small models, and the text analysis behind them."""
