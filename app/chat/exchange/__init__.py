"""Files of conversations: written as JSON, Markdown and HTML, read from our own and from others' exports."""
