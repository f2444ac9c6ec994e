"""Tells whose fault it is when a model fails with an engine pack: the pack's, or the model's."""

from dataclasses import dataclass, replace

from starpad.core.load_options import LoadOptions
from starpad.services.engine_run import AnyOptions, EngineRun


@dataclass(frozen=True, slots=True)
class PackFailure:
    """A pack that failed with a model that the engine in the box loads."""

    folder: str
    reason: str
    """In a sentence."""


class PackTrial:
    """While there is a suspect, the same model is being loaded with the engine in the box."""

    def __init__(self) -> None:
        self._failure: PackFailure | None = None
        self._options: AnyOptions | None = None

    def suspect(self, run: EngineRun, reason: str) -> LoadOptions | None:
        """Return how to load the model instead; None where no pack was at work in `run`."""
        if not run.pack or not isinstance(run.options, LoadOptions):
            return None
        self._failure, self._options = PackFailure(run.pack, reason), run.options
        # The engine in the box knows no device of the pack's by that name.
        return replace(run.options, pack="", device="")

    def convict(self) -> PackFailure | None:
        """End the trial, for the model is there; return the pack whose fault it was, if any."""
        failure = self._failure
        self.acquit()
        return failure

    def acquit(self) -> AnyOptions | None:
        """End the trial, for the model does not load either way, or nobody wants it any more.

        Returns the options with the pack, if there was a trial.
        """
        options, self._failure, self._options = self._options, None, None
        return options
