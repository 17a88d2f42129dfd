"""Code that runs inside the sandbox with the program: presses keys, skips waiting times, reports what was shown."""
