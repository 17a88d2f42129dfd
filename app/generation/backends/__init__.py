"""What stands behind the log of events and the signals: the memory of this process."""
