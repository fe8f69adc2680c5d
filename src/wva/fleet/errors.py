"""The error that a user can act on."""


class UserError(Exception):
    """Something the user gave is wrong. Its text is one line: what, where, and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
