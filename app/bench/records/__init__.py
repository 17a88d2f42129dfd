"""What is kept of runs: read for the pages, imported from files, and the company's figures of before."""
