"""The shape of the sources: rules that a machine can check."""
