"""The few errors that reach a person. Each message is one line: what was wrong, what to do."""


class RequestError(Exception):
    """The request was wrong or can't be met; nothing was written. Faces exit with code 2."""


class PhraseNotFound(RequestError):
    """A phrase is known, but nothing in the picture answers to it."""


class Cancelled(Exception):
    """The user, or a client that went away, stopped the work. Faces exit with code 130."""
