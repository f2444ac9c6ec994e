"""How a conversation is written down for a model: its family's template and where answers end."""

from dataclasses import dataclass

from starpad.core.paths import resource

END_OF_TEXT = "<|endoftext|>"


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """A chat template (Jinja, as on the Hub) and what must be known to use it."""

    id: str = ""
    """The template's name in `resources/chat_templates`, or EMBEDDED."""
    label: str = ""
    """For the user."""
    template: str = ""
    """The template's text; empty if `problem` says why there is none."""
    has_system: bool = True
    """Whether the template takes a system message; else it goes before the first question."""
    is_base: bool = False
    """The model completes text and was not trained to chat."""
    stop_texts: tuple[str, ...] = ()
    """Texts that end an answer and do not belong to it."""
    stop_tokens: tuple[str, ...] = ()
    """Texts of special tokens that end an answer; what the vocabulary lacks does not count."""
    is_trusted: bool = True
    """Ours; an embedded template may do anything, or be refused by the engine."""
    problem: str = ""
    """Why this model cannot chat, a sentence for the user; empty if it can."""

    @property
    def badge(self) -> str:
        """Return what to expect of a base model, a sentence for the user; empty for others."""
        if not self.is_base:
            return ""
        return (
            "Base model: it completes text and was not trained to chat. Expect answers that miss "
            "the point, repeat themselves or go on for too long."
        )


EMBEDDED = "embedded"

_SHORT = "tech-assistant-short"
_LONG = "tech-assistant-long"

# Formats that a family was trained on. Stops are ours: metadata of these files is often wrong, as
# in starchat2's, whose end-of-text id lies outside its vocabulary.
_FORMATS = {
    "starchat": ChatFormat(label="StarChat", stop_tokens=("<|end|>", END_OF_TEXT)),
    "starchat2": ChatFormat(label="ChatML", stop_tokens=("<|im_end|>", END_OF_TEXT)),
    "starcoder2-instruct": ChatFormat(
        label="StarCoder2 Instruct",
        has_system=False,
        stop_texts=("### Instruction",),
        stop_tokens=(END_OF_TEXT,),
    ),
    "wizardcoder": ChatFormat(
        label="WizardCoder",
        has_system=False,
        stop_texts=("### Instruction:",),
        stop_tokens=(END_OF_TEXT,),
    ),
    "octocoder": ChatFormat(
        label="OctoCoder",
        has_system=False,
        stop_texts=("\nQuestion:",),
        stop_tokens=(END_OF_TEXT,),
    ),
    "techxgenus-instruct": ChatFormat(
        label="TechxGenus Instruct",
        has_system=False,
        stop_texts=("### Instruction",),
        stop_tokens=(END_OF_TEXT,),
    ),
    _SHORT: ChatFormat(
        label="Tech Assistant",
        has_system=False,
        is_base=True,
        stop_texts=("\nHuman:", "-----"),
        stop_tokens=(END_OF_TEXT,),
    ),
    _LONG: ChatFormat(
        label="Tech Assistant with examples",
        has_system=False,
        is_base=True,
        stop_texts=("\nHuman:", "-----"),
        stop_tokens=(END_OF_TEXT,),
    ),
}

FORMAT_IDS = tuple(_FORMATS)
"""Every format that comes with Starpad."""

# The families that were trained to chat; every other one of the catalog is a base model.
_CHAT_FAMILIES = {
    "starcoder2-15b-instruct-v0.1": "starcoder2-instruct",
    "starcoder2-7b-instruct": "techxgenus-instruct",
    "starchat2-15b-v0.1": "starchat2",
    "starchat-alpha": "starchat",
    "starchat-beta": "starchat",
    "wizardcoder-15b-v1.0": "wizardcoder",
    "octocoder": "octocoder",
}

# Headings by which an embedded template's text format is known, and the stops that go with them.
_HEADINGS = {"### Instruction": "### Instruction", "Human:": "\nHuman:", "Question:": "\nQuestion:"}


def own_format(format_id: str) -> ChatFormat:
    """Return one of FORMAT_IDS with its template's text.

    Raises KeyError for another id, FileNotFoundError if Starpad's own file is missing.
    """
    known = _FORMATS[format_id]
    path = resource(f"chat_templates/{format_id}.jinja")
    return ChatFormat(
        format_id,
        known.label,
        path.read_text(encoding="utf-8"),
        known.has_system,
        known.is_base,
        known.stop_texts,
        known.stop_tokens,
    )


def choose_format(
    family_id: str, embedded_template: str, *, long_preamble: bool = False
) -> ChatFormat:
    """Return the format for a model of a catalog's family (empty: of none).

    A family's own format wins over the file's: files of known families carry wrong templates. A
    model without any is talked to as a base model, with the long or the short preamble.
    """
    if family_id in _CHAT_FAMILIES:
        return own_format(_CHAT_FAMILIES[family_id])
    if not family_id and embedded_template.strip():
        return ChatFormat(
            EMBEDDED,
            "The model's own template",
            embedded_template,
            stop_texts=tuple(
                stop for heading, stop in _HEADINGS.items() if heading in embedded_template
            ),
            stop_tokens=(END_OF_TEXT, "<|im_end|>", "<|end|>", "<|eot_id|>", "</s>"),
            is_trusted=False,
        )
    return own_format(_LONG if long_preamble else _SHORT)
