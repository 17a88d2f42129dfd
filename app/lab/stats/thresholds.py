"""The thresholds of verdicts, energy classes A to F, recommendation and regressions."""

# A model passes with at least this quality (of 100) and a median answer in fewer seconds than this. It fails below the
# other quality, or when this share of its answers is in the wrong language. Anything between passes with reserve.
PASSED_QUALITY, PASSED_SECONDS = 70, 60
FAILED_QUALITY = 45
WRONG_LANGUAGE = 0.2

# The upper bounds of classes A to E: an answer's energy in Wh, or its seconds when the energy is not known.
LETTERS = "ABCDEF"
ENERGY_CLASSES = (0.05, 0.1, 0.25, 0.5, 1.0)
TIME_CLASSES = (10.0, 20.0, 40.0, 60.0, 120.0)

# "Good at" a category: mean quality at least this, over at least so many of its tasks; so many categories are named.
GOOD_AT, GOOD_AT_TASKS, GOOD_AT_NAMED = 80, 2, 3

# Different tasks that entries must have in common to be compared.
FEWEST_TASKS = 6

# The least range of a scale in the score: points of quality, and a fraction of the largest time or energy.
LEAST_POINTS, LEAST_PART = 10.0, 0.25

# A regression is a significant change for the worse by at least this fraction.
WORSE_PART = 0.05
