"""What the tests share: people who use the program, a site in this process, a real server, event streams."""
