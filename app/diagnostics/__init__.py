"""Why answers may be slower than they could be on this server, measured here, and what mends it."""
