"""Errors that a user can cause or mend. The command line prints their one sentence and exits with their code."""


class PyzooError(Exception):
    """Base class; never raised itself."""

    exit_code = 1


class InputError(PyzooError):
    """Bad input or usage: the sentence names the value and the condition."""

    exit_code = 2


class MissingError(PyzooError):
    """Something needed is missing (Lean, CUDA, a dataset): the sentence names the command that brings it."""

    exit_code = 3
