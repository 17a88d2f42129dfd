"""Grade programs in answers: extract them, check their source, run and play them in a bubblewrap sandbox."""
