"""One row of a repository's models, as a person chooses it."""

from dataclasses import dataclass
from enum import StrEnum

from starpad.core.memory_fit import Fit, Verdict
from starpad.core.quantization import quality
from starpad.core.remote import RemoteModel
from starpad.ui.models.progress_text import size_text


class OfferState(StrEnum):
    """What has become of an offer; the value is the word beside it."""

    NEW = ""
    DOWNLOADING = "in the downloads"
    INSTALLED = "on this computer"
    LOADED = "loaded"


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be had, and what is known of it before it is here."""

    model: RemoteModel
    parameters: str
    """As in 3B; empty where nobody says."""
    fit: Fit | None = None
    """None until its header has been read."""
    tokens_per_second: float | None = None
    """Expected on this machine; None where nothing has been measured."""
    is_recommended: bool = False
    state: OfferState = OfferState.NEW
    is_read: bool = False
    """Whether all has been read of its header that can be."""
    replacement: str = ""
    """For a GGML file of 2023: the repository that holds the same model as GGUF."""

    @property
    def name(self) -> str:
        """As in `3B · Q4_K_M`, or the file's name."""
        known = [self.parameters, self.model.quantization]
        return " · ".join(filter(None, known)) if all(known) else self.model.files[0].name

    @property
    def size(self) -> str:
        """As in `1.9 GB`, powers of ten as on the Hub's pages."""
        return size_text(self.model.size_bytes)

    @property
    def memory(self) -> str:
        """As in `fits`."""
        if self.fit is None:
            return "unknown" if self.is_read else "…"
        return self.fit.verdict.value

    @property
    def speed(self) -> str:
        """As in `about 14 tok/s`."""
        speed = self.tokens_per_second
        if speed is None or (self.fit and self.fit.verdict is Verdict.DOES_NOT_FIT):
            return ""
        # More than two digits would promise what nobody knows.
        return f"about {float(f'{speed:.2g}'):g} tok/s"

    @property
    def remark(self) -> str:
        """What to know about the quantization, or where the model is by now."""
        words = [self.state.value, quality(self.model.quantization)]
        if self.model.is_legacy_ggml:
            # What is said of the quantization compares it with others that such files cannot have.
            words[1] = "GGML file of 2023: runs on an older engine, slower"
            if self.replacement:
                words.append(f"{self.replacement} replaces it")
        return "; ".join(filter(None, words))

    @property
    def sentence(self) -> str:
        """All of it in one line, for a screen reader."""
        speed = f"{self.speed} here" if self.speed else ""
        memory = self.memory if self.fit else ""
        parts = [self.name, self.size, memory, speed, self.remark]
        return " · ".join(filter(None, parts))
