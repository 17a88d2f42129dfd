"""Scriptable stand-ins for the engines, which the tests talk to over real sockets."""
