"""The migrations, up and down."""
