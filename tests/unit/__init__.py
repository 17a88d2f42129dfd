"""Parts of the program alone, without the application."""
