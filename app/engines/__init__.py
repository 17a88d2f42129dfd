"""The wires to what runs the models: one protocol, one file for each vendor's JSON."""
