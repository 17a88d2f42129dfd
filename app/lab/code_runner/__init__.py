"""Programs in answers: found, judged by their text, or run apart from everything else and played."""
