"""What counts as a success, a reserve and a failure, and the bounds of the classes A to F: all in one place."""

# A model succeeds with this quality at least and an answer in less than so many seconds; it fails below the other
# quality, or when it answers in the wrong language too often. A reserve is what lies between.
PASSED_QUALITY, PASSED_SECONDS = 70, 60
FAILED_QUALITY = 45
WRONG_LANGUAGE = 0.2

# The best of each class: an answer's energy in Wh, or its seconds where the energy is not known. F is beyond.
LETTERS = "ABCDEF"
ENERGY_CLASSES = (0.05, 0.1, 0.25, 0.5, 1.0)
TIME_CLASSES = (10.0, 20.0, 40.0, 60.0, 120.0)

# Good at a kind of task: with this quality, in so many of its tasks at least; the best few are named.
GOOD_AT, GOOD_AT_TASKS, GOOD_AT_NAMED = 80, 2, 3

# With fewer different tasks a model is not held against those that had more.
FEWEST_TASKS = 6

# Smaller differences than these do not count in the choice: points of quality, and parts of the slowest or thirstiest.
LEAST_POINTS, LEAST_PART = 10.0, 0.25

# A figure of a newer version is worse where it is so beyond its noise, and by this part at least.
WORSE_PART = 0.05
