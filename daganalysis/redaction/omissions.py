"""Files that a redacted copy leaves out."""


class NotUnderstoodError(ValueError):
    """A file, or a member of an archive, that cannot be redacted: it is no text, or unpacks to more than is allowed."""


class SkippedError(NotUnderstoodError):
    """A file, or a member of an archive, that ``load`` skips, too: a picture, a hidden file, a text without answers."""
