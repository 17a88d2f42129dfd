"""Clients of the model servers: one protocol (`base.Engine`), one module for each API."""
