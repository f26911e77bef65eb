"""What the demo says when it cannot go on; the text is meant for the person at the terminal."""


class DemoError(RuntimeError):
    """What is wrong and what to do about it."""
