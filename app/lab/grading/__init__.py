"""What can be told of an answer by its text: words, numbers, language, failures, and the checks that look for them."""
