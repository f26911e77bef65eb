"""What the embedded services say when they cannot go on; the text is meant for the person at the terminal."""


class EmbeddedError(RuntimeError):
    """One line that says what is wrong and what to do about it."""
