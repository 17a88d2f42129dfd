"""What holds for all addresses, pages, texts and made files."""
