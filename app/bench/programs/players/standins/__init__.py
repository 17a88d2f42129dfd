"""Windows and games without a screen: enough of pygame and tkinter for small programs, drawn into a checksum."""
