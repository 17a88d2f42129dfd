"""What runs inside the sandbox beside a model's program: it presses keys, skips the waiting and tells what it saw."""
