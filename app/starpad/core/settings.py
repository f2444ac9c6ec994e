"""Everything a user can set, declared once; the settings file and dialog are made from this."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, get_type_hints

from starpad.core import editor_styles
from starpad.core.load_options import KvType
from starpad.core.setting_field import About, Page, SettingField
from starpad.core.suggestion_settings import SuggestionSettings


class ThemeChoice(StrEnum):
    """Which colors to use."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Settings(SuggestionSettings):
    """The user's settings; valid when made by `with_values`."""

    theme: Annotated[
        ThemeChoice,
        About(Page.APPEARANCE, "Theme", "System follows your desktop's light or dark choice."),
    ] = ThemeChoice.SYSTEM
    style_light: Annotated[
        str,
        About(
            Page.APPEARANCE,
            "Code colors when light",
            "Those that are made for a light background come first.",
            choices=editor_styles.choices(dark_first=False),
        ),
    ] = editor_styles.OWN
    style_dark: Annotated[
        str,
        About(
            Page.APPEARANCE,
            "Code colors when dark",
            "Those that are made for a dark background come first.",
            choices=editor_styles.choices(dark_first=True),
        ),
    ] = editor_styles.OWN
    more_contrast: Annotated[
        bool,
        About(
            Page.APPEARANCE,
            "More contrast",
            "Pale colors of code stand out more from the background.",
        ),
    ] = False
    font_family: Annotated[
        str,
        About(
            Page.APPEARANCE,
            "Editor font",
            "Fonts whose letters are all of the same width.",
            is_font_family=True,
        ),
    ] = ""
    font_size_pt: Annotated[
        int,
        About(Page.APPEARANCE, "Font size", "Of the text in the editor.", 6, 72, "pt"),
    ] = 11
    wrap_lines: Annotated[
        bool,
        About(Page.EDITOR, "Wrap long lines", "Only on the screen; the file stays as it is."),
    ] = False
    open_last_files: Annotated[
        bool,
        About(
            Page.EDITOR,
            "Open the files of last time",
            "When Starpad starts, with carets where they were. Unsaved text comes back anyway.",
        ),
    ] = True
    indent_width: Annotated[
        int,
        About(Page.EDITOR, "Indent width", "Also how wide a tab is shown.", 1, 16, "columns"),
    ] = 4
    indent_with_tabs: Annotated[
        bool,
        About(Page.EDITOR, "Indent with tabs", "The Tab key inserts a tab instead of spaces."),
    ] = False
    close_brackets: Annotated[
        bool,
        About(Page.EDITOR, "Close brackets and quotes", "The closing one comes with the opening."),
    ] = True
    show_white_space: Annotated[
        bool,
        About(Page.EDITOR, "Show white space", "Spaces as dots and tabs as arrows."),
    ] = False
    ruler_column: Annotated[
        int,
        About(Page.EDITOR, "Ruler", "A line behind this column.", 0, 400, "columns", "None"),
    ] = 0
    tab_moves_focus: Annotated[
        bool,
        About(
            Page.EDITOR,
            "Tab moves focus",
            "The Tab key leaves the editor instead of indenting or taking a suggestion.",
        ),
    ] = False
    chat_long_preamble: Annotated[
        bool,
        About(
            Page.CHAT,
            "Show base models examples",
            "Models that were not trained to chat answer better after example dialogues, which "
            "take about a thousand tokens of the context window. Counts when a model is loaded.",
        ),
    ] = False
    hub_endpoint: Annotated[
        str,
        About(
            Page.MODELS,
            "Hugging Face address",
            "Of a mirror, such as https://hub.example.com. Empty: huggingface.co. "
            "A sign-in counts for the address that it was made at.",
        ),
    ] = ""
    downloads_at_once: Annotated[
        int,
        About(Page.MODELS, "Downloads at once", "The others wait for their turn.", 1, 3),
    ] = 1
    resume_downloads: Annotated[
        bool,
        About(
            Page.MODELS,
            "Go on by itself",
            "Downloads that were under way go on when Starpad starts.",
        ),
    ] = True
    context_tokens: Annotated[
        int,
        About(
            Page.ENGINE,
            "Context window",
            "How much the model holds at once; more needs more memory. "
            "Counts when a model is loaded, up to what the model was made for.",
            512,
            131_072,
            "tokens",
        ),
    ] = 8192
    kv_type: Annotated[
        KvType,
        About(
            Page.ENGINE,
            "Context numbers",
            "How the context is kept: q8_0 takes half the memory of f16, q4_0 a quarter; both "
            "are slower on a processor, and less exact. Counts when a model is loaded.",
        ),
    ] = KvType.F16
    engine_threads: Annotated[
        int,
        About(
            Page.ENGINE,
            "Processor threads",
            "Automatic: one for each physical core. Counts when a model is loaded.",
            0,
            256,
            "",
            "Automatic",
        ),
    ] = 0
    restart_engine_automatically: Annotated[
        bool,
        About(
            Page.ENGINE,
            "Restart the engine by itself",
            "When it stops unexpectedly, at most three times in ten minutes.",
        ),
    ] = True
    engine_unload_after_min: Annotated[
        int,
        About(
            Page.ENGINE,
            "Unload when unused",
            "Frees the model's memory after this long without a request; the next one loads it "
            "again.",
            0,
            1440,
            "min",
            "Never",
        ),
    ] = 0
    engine_program: Annotated[
        str,
        About(
            Page.ENGINE,
            "Your own llama-server",
            "The path of a llama-server that runs the models instead of the engine in the box, for "
            "example one for your graphics card. Counts when a model is loaded.",
        ),
    ] = ""
    serve_at_start: Annotated[
        bool,
        About(
            Page.SHARING,
            "Share when Starpad starts",
            "Other programs on this computer can then use the loaded model, with the key only.",
        ),
    ] = False
    serve_port: Annotated[
        int,
        About(
            Page.SHARING,
            "Port",
            "Where other programs on this computer find the model. 8012 is what llama.vim and "
            "llama.vscode expect.",
            1024,
            65_535,
        ),
    ] = 8012
    serve_origins: Annotated[
        tuple[str, ...],
        About(
            Page.SHARING,
            "Web pages that may ask",
            "Their origins with commas between, such as http://localhost:3000. None by default.",
        ),
    ] = ()
    model_path: Annotated[str, About(Page.HIDDEN, "Model file")] = ""
    """Empty: the demonstration model in the box."""
    engine_pack: Annotated[str, About(Page.HIDDEN, "Engine pack")] = ""
    """The folder of the one in use; empty: the engine in the box."""
    remote_server: Annotated[str, About(Page.HIDDEN, "Remote server")] = ""
    """The name of the one that was left connected; empty: the model file counts."""
    models_folder: Annotated[str, About(Page.HIDDEN, "Models folder")] = ""
    """Empty: beside Starpad's other data."""
    recent_files: Annotated[tuple[str, ...], About(Page.HIDDEN, "Recent files")] = ()
    recent_actions: Annotated[tuple[str, ...], About(Page.HIDDEN, "Recent commands")] = ()
    keymap: Annotated[tuple[str, ...], About(Page.HIDDEN, "Keys")] = ()
    """What differs from the table of actions; see core/keymap.py."""
    folder: Annotated[str, About(Page.HIDDEN, "Open folder")] = ""
    side_bar_is_shown: Annotated[bool, About(Page.HIDDEN, "Side bar")] = False
    side_bar_split: Annotated[str, About(Page.HIDDEN, "Width of the side bar")] = ""
    window_geometry: Annotated[str, About(Page.HIDDEN, "Window position")] = ""
    chat_is_shown: Annotated[bool, About(Page.HIDDEN, "Chat")] = True
    chat_draft: Annotated[str, About(Page.HIDDEN, "Question not sent")] = ""
    chat_split: Annotated[str, About(Page.HIDDEN, "Width of the chat")] = ""


def _all_fields() -> dict[str, SettingField]:
    hints = get_type_hints(Settings, include_extras=True)
    defaults = Settings()
    return {
        item.name: SettingField(
            item.name, getattr(defaults, item.name), hints[item.name].__metadata__[0]
        )
        for item in fields(Settings)
    }


FIELDS: Mapping[str, SettingField] = _all_fields()
"""Every setting by its name, the hidden ones too."""


def fields_of_pages() -> dict[Page, tuple[SettingField, ...]]:
    """Return the settings that the dialog shows, by page, both in the order of display."""
    return {
        page: tuple(field for field in FIELDS.values() if field.about.page is page)
        for page in Page
        if page is not Page.HIDDEN
    }
