"""What models are asked: tasks read from files, the company's own among them, and the judgement of their answers."""
