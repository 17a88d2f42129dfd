"""Read conversations from files of this program, ChatGPT and Open WebUI, in a process apart."""
