"""One sample: what is asked of the engine, by the clock and under the meters, and on which machine."""
