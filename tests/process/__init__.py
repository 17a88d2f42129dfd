"""The real server as a process: starting, ending, being killed, having no room."""
