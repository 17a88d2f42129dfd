"""The program through its addresses: real rows on disk, a stand-in engine, nothing replaced."""
