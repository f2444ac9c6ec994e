"""The one tree of errors that a user can do something about."""


class StarpadError(Exception):
    """Something went wrong that is not a bug: what happened, and what to do about it.

    `message` is one sentence for the user, `hint` the next step (may be empty), `retryable` says
    that the same action may succeed if it is simply repeated.
    """

    def __init__(self, message: str, hint: str = "", *, retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retryable = retryable

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ModelFileError(StarpadError):
    """A model file cannot be used: missing, damaged, of another kind. Choose another file."""


class NotEnoughMemoryError(StarpadError):
    """The model needs more memory than is free. Choose a smaller one or close programs."""


class EngineError(StarpadError):
    """The engine did not start, stopped, or refused a request. Restart it or look at its log."""


class PromptTooLongError(EngineError):
    """The prompt does not fit the loaded context. Shorten it or load a larger context."""


class ChatTemplateError(StarpadError):
    """A model's chat template does not work. Choose another model for chat."""


class FileError(StarpadError):
    """A text file cannot be read or written. Choose another place, or free space or rights."""


class FileChangedError(FileError):
    """The file changed on disk since it was read. Overwrite it or reload it."""


class FolderMissingError(FileError):
    """The folder of a file does not exist. Make it, or save elsewhere."""


class WriteProtectedError(FileError):
    """The file says that it is not to be written. Ask the user, or save elsewhere."""


class DoubtfulFileError(FileError):
    """The file is binary or very large. Open it only if the user says so."""


class HistoryError(StarpadError):
    """The conversations cannot be read or kept. Free space or rights, or let them be recovered."""


class ConversationGoneError(HistoryError):
    """A conversation or message was deleted meanwhile. Choose another one."""


class SettingsError(StarpadError):
    """The settings file holds something that Starpad cannot use. The default is used instead."""
