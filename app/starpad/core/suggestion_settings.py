"""What a user can set for suggestions, and what the completion service makes of it."""

from dataclasses import dataclass
from typing import Annotated

from starpad.core.prompt_budget import Shares
from starpad.core.repository_context import ContextUse
from starpad.core.sampling import Sampling
from starpad.core.setting_field import About, Page
from starpad.core.suggestion import CompletionOptions


@dataclass(frozen=True, slots=True)
class SuggestionSettings:
    """The part of the settings that concerns suggestions."""

    suggestions_enabled: Annotated[
        bool,
        About(
            Page.SUGGESTIONS,
            "Suggest while typing",
            "When off, a suggestion comes only when you ask for it with Ctrl+Space.",
        ),
    ] = True
    suggestion_pause_ms: Annotated[
        int,
        About(
            Page.SUGGESTIONS,
            "Pause before a suggestion",
            "How long to wait after the last key. Automatic: as fits your typing and the model.",
            -1,
            5000,
            "ms",
            "Automatic",
        ),
    ] = -1
    suggestion_max_tokens: Annotated[
        int,
        About(
            Page.SUGGESTIONS,
            "Longest suggestion",
            "A token is three to four characters of code.",
            1,
            1024,
            "tokens",
        ),
    ] = 96
    suggestion_max_lines: Annotated[
        int,
        About(Page.SUGGESTIONS, "Most lines", "A suggestion ends here at the latest.", 1, 100),
    ] = 8
    suggestion_time_budget_ms: Annotated[
        int,
        About(
            Page.SUGGESTIONS,
            "Time limit",
            "After this, a suggestion ends with what it has.",
            100,
            120_000,
            "ms",
        ),
    ] = 4000
    suggestion_temperature: Annotated[
        float,
        About(
            Page.SUGGESTIONS,
            "Temperature",
            "0 always takes the likeliest code; higher values vary more.",
            0,
            2,
        ),
    ] = 0.0
    suggestion_least_probability: Annotated[
        int,
        About(
            Page.SUGGESTIONS,
            "Least probability",
            "Nothing is shown where the model is less sure of its words, on average. 0 shows all.",
            0,
            95,
            "%",
        ),
    ] = 15
    suggestions_off_languages: Annotated[
        tuple[str, ...],
        About(
            Page.SUGGESTIONS,
            "Languages without",
            "No suggestions in these: names with commas between, such as markdown, json.",
        ),
    ] = ()
    prompt_budget_tokens: Annotated[
        int,
        About(
            Page.SUGGESTIONS,
            "Text the model reads",
            "At most this much, with other files. More takes longer for the first suggestion.",
            256,
            16_384,
            "tokens",
        ),
    ] = 4096
    prompt_prefix_share: Annotated[
        int,
        About(
            Page.SUGGESTIONS,
            "Of it, before the caret",
            "What one of these three shares does not need goes to the others.",
            1,
            100,
            "%",
        ),
    ] = 50
    prompt_suffix_share: Annotated[
        int,
        About(
            Page.SUGGESTIONS, "Of it, after the caret", "At 0, what the others leave.", 0, 100, "%"
        ),
    ] = 20
    prompt_context_share: Annotated[
        int,
        About(
            Page.SUGGESTIONS,
            "Of it, other files",
            "Pieces of files that are open, edited, imported or similar.",
            0,
            100,
            "%",
        ),
    ] = 30
    suggestion_context: Annotated[
        str,
        About(
            Page.SUGGESTIONS,
            "Read other files of the folder",
            "Never those that .gitignore names, nor keys and passwords.",
            choices=(
                (ContextUse.LOCAL.value, "With models on this computer"),
                (ContextUse.ALL.value, "Also with other servers"),
                (ContextUse.NEVER.value, "Never"),
            ),
        ),
    ] = ContextUse.LOCAL.value

    suggestion_figures_shown: Annotated[
        bool,
        About(
            Page.SUGGESTIONS,
            "Figures at the caret",
            "What the last suggestion has cost: tokens read, time to the first one, speed.",
        ),
    ] = False

    @property
    def completion_options(self) -> CompletionOptions:
        """Return what suggestions need of the settings."""
        return CompletionOptions(
            is_enabled=self.suggestions_enabled,
            off_languages=self.suggestions_off_languages,
            pause_ms=self.suggestion_pause_ms,
            max_tokens=self.suggestion_max_tokens,
            max_lines=self.suggestion_max_lines,
            time_budget_ms=self.suggestion_time_budget_ms,
            budget_tokens=self.prompt_budget_tokens,
            sampling=Sampling(temperature=self.suggestion_temperature),
            least_probability=self.suggestion_least_probability / 100,
            context_use=ContextUse(self.suggestion_context),
            shares=Shares(
                self.prompt_prefix_share, self.prompt_suffix_share, self.prompt_context_share
            ),
        )
