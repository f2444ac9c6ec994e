"""One table of all that the user can do: menus and shortcuts are made from it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from starpad.ui.action_ids import ActionId, Menu, Needs

__all__ = ["ACTIONS", "ActionId", "ActionSpec", "Menu", "Needs", "build", "enable", "plain_text"]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action: where it is, how it is called and when it can be used.

    `keys` are shortcuts of the whole window. `editor_key` is only shown: the editor handles it
    itself, because the key means something else when no suggestion is on the screen.
    """

    menu: Menu
    text: str
    tip: str
    keys: tuple[str, ...] = ()
    needs: Needs = Needs.NOTHING
    is_checkable: bool = False
    editor_key: str = ""
    begins_group: bool = False
    role: QAction.MenuRole = QAction.MenuRole.NoRole


_DOCUMENT, _SUGGESTION, _MODEL = Needs.DOCUMENT, Needs.SUGGESTION, Needs.MODEL

# fmt: off
ACTIONS: Mapping[ActionId, ActionSpec] = {
    ActionId.NEW: ActionSpec(
        Menu.FILE, "&New", "Open an empty document in a new tab", ("Ctrl+N",)),
    ActionId.OPEN: ActionSpec(
        Menu.FILE, "&Open…", "Open a file in a new tab", ("Ctrl+O",)),
    ActionId.OPEN_FOLDER: ActionSpec(
        Menu.FILE, "Open fol&der…", "Show the files of a folder at the left"),
    ActionId.SAVE: ActionSpec(
        Menu.FILE, "&Save", "Save the document", ("Ctrl+S",), _DOCUMENT, begins_group=True),
    ActionId.SAVE_AS: ActionSpec(
        Menu.FILE, "Save &as…", "Save under another name", ("Ctrl+Shift+S",), _DOCUMENT),
    ActionId.RELOAD: ActionSpec(
        Menu.FILE, "&Reload from disk", "Read the file again", ("F5",), _DOCUMENT),
    ActionId.REOPEN_WITH_ENCODING: ActionSpec(
        Menu.FILE, "Reopen with &encoding…", "Read the file again as text of another encoding", (),
        _DOCUMENT, begins_group=True),
    ActionId.SAVE_WITH_ENCODING: ActionSpec(
        Menu.FILE, "Save &with encoding…", "Write the file in another encoding", (), _DOCUMENT),
    ActionId.LINE_ENDS: ActionSpec(
        Menu.FILE, "&Line ends…", "Choose what every line of the file ends with", (), _DOCUMENT),
    ActionId.CLOSE_TAB: ActionSpec(
        Menu.FILE, "&Close tab", "Close the document", ("Ctrl+W",), _DOCUMENT, begins_group=True),
    ActionId.REOPEN_TAB: ActionSpec(
        Menu.FILE, "Reo&pen closed tab", "Open the file again that was closed last, where it was",
        ("Ctrl+Shift+T",)),
    ActionId.QUIT: ActionSpec(
        Menu.FILE, "&Quit", "Close all documents and end Starpad", ("Ctrl+Q",),
        role=QAction.MenuRole.QuitRole),

    ActionId.UNDO: ActionSpec(
        Menu.EDIT, "&Undo", "Take the last change back", ("Ctrl+Z",), _DOCUMENT),
    ActionId.REDO: ActionSpec(
        Menu.EDIT, "&Redo", "Make the undone change again", ("Ctrl+Shift+Z", "Ctrl+Y"), _DOCUMENT),
    ActionId.CUT: ActionSpec(
        Menu.EDIT, "Cu&t", "Move the selection to the clipboard", ("Ctrl+X",), _DOCUMENT,
        begins_group=True),
    ActionId.COPY: ActionSpec(
        Menu.EDIT, "&Copy", "Copy the selection to the clipboard", ("Ctrl+C",), _DOCUMENT),
    ActionId.PASTE: ActionSpec(
        Menu.EDIT, "&Paste", "Insert what is in the clipboard", ("Ctrl+V",), _DOCUMENT),
    ActionId.SELECT_ALL: ActionSpec(
        Menu.EDIT, "Select &all", "Select the whole text", ("Ctrl+A",), _DOCUMENT),
    ActionId.FIND: ActionSpec(
        Menu.EDIT, "&Find…", "Find text in the document", ("Ctrl+F",), _DOCUMENT,
        begins_group=True),
    ActionId.FIND_NEXT: ActionSpec(
        Menu.EDIT, "Find &next", "Go to the next place with that text", ("F3",), _DOCUMENT),
    ActionId.FIND_PREVIOUS: ActionSpec(
        Menu.EDIT, "Find pre&vious", "Go to the place before", ("Shift+F3",), _DOCUMENT),
    ActionId.REPLACE: ActionSpec(
        Menu.EDIT, "R&eplace…", "Find text and put another in its place", ("Ctrl+H",), _DOCUMENT),
    ActionId.FIND_IN_FOLDER: ActionSpec(
        Menu.EDIT, "Find in fol&der…", "Find text in the files of the open folder",
        ("Ctrl+Shift+F",)),
    ActionId.GO_TO_LINE: ActionSpec(
        Menu.EDIT, "&Go to line…", "Put the caret into a line by its number", ("Ctrl+G",),
        _DOCUMENT),
    ActionId.SETTINGS: ActionSpec(
        Menu.EDIT, "&Settings…", "Change how Starpad looks and works", ("Ctrl+,",),
        begins_group=True, role=QAction.MenuRole.PreferencesRole),

    ActionId.INDENT: ActionSpec(
        Menu.LINES, "&Indent", "Move the lines one step to the right", ("Ctrl+]",), _DOCUMENT),
    ActionId.OUTDENT: ActionSpec(
        Menu.LINES, "&Outdent", "Move the lines one step to the left", ("Ctrl+[",), _DOCUMENT),
    ActionId.TOGGLE_COMMENT: ActionSpec(
        Menu.LINES, "Toggle &comment", "Make the lines comments, or text again", ("Ctrl+/",),
        _DOCUMENT),
    ActionId.DUPLICATE: ActionSpec(
        Menu.LINES, "&Duplicate", "Insert the line or the selection once more", ("Ctrl+Shift+D",),
        _DOCUMENT, begins_group=True),
    ActionId.MOVE_UP: ActionSpec(
        Menu.LINES, "Move &up", "Move the lines above the one before", ("Alt+Up",), _DOCUMENT),
    ActionId.MOVE_DOWN: ActionSpec(
        Menu.LINES, "Move do&wn", "Move the lines below the one after", ("Alt+Down",), _DOCUMENT),
    ActionId.DELETE_LINE: ActionSpec(
        Menu.LINES, "De&lete", "Delete the lines", ("Ctrl+Shift+K",), _DOCUMENT),
    ActionId.JOIN_LINES: ActionSpec(
        Menu.LINES, "&Join", "Make the lines one, with a blank between", ("Ctrl+J",), _DOCUMENT),
    ActionId.TRIM: ActionSpec(
        Menu.LINES, "&Trim", "Take blanks off the ends of the lines, or of all lines", (),
        _DOCUMENT),
    ActionId.FINAL_LINE_END: ActionSpec(
        Menu.LINES, "&Final line end", "Let the text end with one line end, and no empty lines", (),
        _DOCUMENT),

    ActionId.COMMAND_PALETTE: ActionSpec(
        Menu.VIEW, "&Command palette…", "Find any command by its name", ("Ctrl+Shift+P",)),
    ActionId.ZOOM_IN: ActionSpec(
        Menu.VIEW, "Zoom &in", "Make the text larger", ("Ctrl++", "Ctrl+="), begins_group=True),
    ActionId.ZOOM_OUT: ActionSpec(
        Menu.VIEW, "Zoom &out", "Make the text smaller", ("Ctrl+-",)),
    ActionId.ZOOM_RESET: ActionSpec(
        Menu.VIEW, "&Reset zoom", "Show the text in its usual size", ("Ctrl+0",)),
    ActionId.LANGUAGE: ActionSpec(
        Menu.VIEW, "&Language…", "Choose what the document is colored and completed as", (),
        _DOCUMENT, begins_group=True),
    ActionId.INDENTATION: ActionSpec(
        Menu.VIEW, "Inden&tation…", "Choose how the document is indented: spaces or tabs", (),
        _DOCUMENT),
    ActionId.TOGGLE_WRAP: ActionSpec(
        Menu.VIEW, "&Wrap long lines", "Show long lines on several rows", ("Alt+Z",),
        is_checkable=True),
    ActionId.TOGGLE_WHITE_SPACE: ActionSpec(
        Menu.VIEW, "Show white &space", "Show spaces as dots and tabs as arrows", (),
        is_checkable=True),
    ActionId.SIDE_BAR: ActionSpec(
        Menu.VIEW, "Fol&der", "Go to the folder's files; from there, hide them", ("Ctrl+B",)),
    ActionId.FULL_SCREEN: ActionSpec(
        Menu.VIEW, "&Full screen", "Use the whole screen", ("F11",), is_checkable=True),
    ActionId.NEXT_PANE: ActionSpec(
        Menu.VIEW, "N&ext pane", "Put the keyboard into the next part of the window", ("F6",),
        begins_group=True),
    ActionId.PREVIOUS_PANE: ActionSpec(
        Menu.VIEW, "Pre&vious pane", "Put the keyboard into the part before", ("Shift+F6",)),
    ActionId.TAB_MOVES_FOCUS: ActionSpec(
        Menu.VIEW, "T&ab moves focus", "Tab leaves the editor instead of indenting", ("Ctrl+F6",),
        is_checkable=True),
    ActionId.NEXT_TAB: ActionSpec(
        Menu.VIEW, "&Next tab", "Go to the tab on the right", ("Ctrl+Tab", "Ctrl+PgDown"),
        _DOCUMENT, begins_group=True),
    ActionId.PREVIOUS_TAB: ActionSpec(
        Menu.VIEW, "&Previous tab", "Go to the tab on the left", ("Ctrl+Shift+Tab", "Ctrl+PgUp"),
        _DOCUMENT),

    ActionId.SUGGEST: ActionSpec(
        Menu.SUGGESTIONS, "&Suggest", "Ask the model what comes at the caret", ("Ctrl+Space",),
        _DOCUMENT),
    ActionId.ACCEPT: ActionSpec(
        Menu.SUGGESTIONS, "&Accept", "Insert the whole suggestion", (), _SUGGESTION,
        editor_key="Tab", begins_group=True),
    ActionId.ACCEPT_WORD: ActionSpec(
        Menu.SUGGESTIONS, "Accept &word", "Insert the suggestion's next word", (), _SUGGESTION,
        editor_key="Ctrl+Right"),
    ActionId.ACCEPT_LINE: ActionSpec(
        Menu.SUGGESTIONS, "Accept &line", "Insert the suggestion's next line", (), _SUGGESTION,
        editor_key="Ctrl+Down"),
    ActionId.NEXT_SUGGESTION: ActionSpec(
        Menu.SUGGESTIONS, "&Next alternative", "Show another suggestion for this place",
        ("Alt+]",), _SUGGESTION),
    ActionId.PREVIOUS_SUGGESTION: ActionSpec(
        Menu.SUGGESTIONS, "Pre&vious alternative", "Show the suggestion before", ("Alt+[",),
        _SUGGESTION),
    ActionId.DISMISS: ActionSpec(
        Menu.SUGGESTIONS, "&Dismiss", "Take the suggestion away", (), _SUGGESTION,
        editor_key="Esc"),
    ActionId.CHANGE_CODE: ActionSpec(
        Menu.SUGGESTIONS, "C&hange code…", "Say what to do with the selected code, and see it done",
        ("Ctrl+K",), _DOCUMENT, begins_group=True),
    ActionId.TOGGLE_SUGGESTIONS: ActionSpec(
        Menu.SUGGESTIONS, "Suggest while &typing", "Offer suggestions after a pause in typing",
        ("Ctrl+Alt+Space",), is_checkable=True, begins_group=True),
    ActionId.TOGGLE_LANGUAGE_SUGGESTIONS: ActionSpec(
        Menu.SUGGESTIONS, "Suggest in this lan&guage", "Offer suggestions in files of this kind",
        (), _DOCUMENT, is_checkable=True),
    ActionId.INSPECT_PROMPT: ActionSpec(
        Menu.SUGGESTIONS, "&Prompt inspector…", "See the last prompt as the model saw it", (),
        begins_group=True),
    ActionId.SHOW_FIGURES: ActionSpec(
        Menu.SUGGESTIONS, "Show &figures at the caret", "What the last suggestion has cost", (),
        is_checkable=True),

    ActionId.CHAT: ActionSpec(
        Menu.CHAT, "&Chat", "Go to the chat; from there, hide it", ("Ctrl+Alt+I",)),
    ActionId.NEW_CONVERSATION: ActionSpec(
        Menu.CHAT, "&New conversation", "Begin a conversation with nothing in it",
        ("Ctrl+Shift+N",)),
    ActionId.CONVERSATIONS: ActionSpec(
        Menu.CHAT, "&All conversations", "List and search the conversations", ("Ctrl+Alt+H",)),
    ActionId.EXPLAIN: ActionSpec(
        Menu.CHAT, "&Explain", "Ask what the selection, or else the file, does",
        ("Ctrl+Alt+E",), _DOCUMENT, begins_group=True),
    ActionId.FIX: ActionSpec(
        Menu.CHAT, "&Fix", "Ask for the selection, or else the file, without its errors",
        ("Ctrl+Alt+F",), _DOCUMENT),
    ActionId.WRITE_TESTS: ActionSpec(
        Menu.CHAT, "Write &tests", "Ask for tests of the selection, or else the file",
        ("Ctrl+Alt+T",), _DOCUMENT),
    ActionId.DOCUMENT: ActionSpec(
        Menu.CHAT, "&Document", "Ask for the selection, or else the file, with comments",
        ("Ctrl+Alt+D",), _DOCUMENT),
    ActionId.ADD_CODE: ActionSpec(
        Menu.CHAT, "Add code to the &question",
        "Put the selection, or else the file, into the question", ("Ctrl+Alt+A",), _DOCUMENT),
    ActionId.STOP_ANSWER: ActionSpec(
        Menu.CHAT, "&Stop the answer", "Keep what has come of it", ("Ctrl+Alt+X",),
        begins_group=True),
    ActionId.ANSWER_OPTIONS: ActionSpec(
        Menu.CHAT, "Answe&rs…", "System prompt, temperature and more of this conversation"),

    ActionId.CHOOSE_MODEL: ActionSpec(
        Menu.MODEL, "&Choose model", "Show the models on this computer, the latest used first",
        ("Ctrl+M",)),
    ActionId.MODELS: ActionSpec(
        Menu.MODEL, "&Models…", "Find, download and keep StarCoder models", ("Ctrl+Shift+M",)),
    ActionId.OPEN_MODEL: ActionSpec(
        Menu.MODEL, "&Open model file…", "Load a GGUF file from this computer", ("Ctrl+Shift+O",)),
    ActionId.USE_DEMO_MODEL: ActionSpec(
        Menu.MODEL, "Use the &demonstration model", "Load the small model that comes with Starpad"),
    ActionId.LOAD_SETTINGS: ActionSpec(
        Menu.MODEL, "Load se&ttings of this model…", "Its context window and layers on the GPU",
        (), _MODEL),
    ActionId.RESTART_ENGINE: ActionSpec(
        Menu.MODEL, "&Restart engine", "Load the model again", ("Ctrl+Shift+R",),
        begins_group=True),
    ActionId.UNLOAD_MODEL: ActionSpec(
        Menu.MODEL, "&Unload model", "Give the model's memory back", (), _MODEL),
    ActionId.SHOW_ENGINE_LOG: ActionSpec(
        Menu.MODEL, "Show engine &log", "Show what the engine has reported"),
    ActionId.ENGINE: ActionSpec(
        Menu.MODEL, "&Engine…", "What the engine really runs on, and with which program",
        ("Ctrl+Shift+E",), begins_group=True),
    ActionId.SHARING: ActionSpec(
        Menu.MODEL, "&Share with other programs…", "Let other programs here use the loaded model"),
    ActionId.REMOTE_SERVERS: ActionSpec(
        Menu.MODEL, "Remote ser&vers…", "Use a model that runs on another machine"),
    ActionId.BENCHMARK: ActionSpec(
        Menu.MODEL, "&Benchmark…", "Measure how fast models are on this computer"),
    ActionId.EVALUATION: ActionSpec(
        Menu.MODEL, "Ev&aluation…", "Measure how good models are on your own files"),

    ActionId.SHORTCUTS: ActionSpec(
        Menu.HELP, "&Keyboard shortcuts…", "All commands and their keys, to read and to change",
        ("F1",)),
    ActionId.CHECK_UPDATES: ActionSpec(
        Menu.HELP, "&Check for updates…", "Ask whether there is a newer Starpad, if you say so"),
    ActionId.ABOUT: ActionSpec(
        Menu.HELP, "&About Starpad", "Version, licence and thanks", begins_group=True,
        role=QAction.MenuRole.AboutRole),
}
# fmt: on


def plain_text(text: str) -> str:
    """Return a menu's or an action's text without the mark of its letter."""
    return text.replace("&", "")


def build(parent: QObject) -> dict[ActionId, QAction]:
    """Make the actions of one window, in the table's order."""
    actions = {}
    for action_id, spec in ACTIONS.items():
        # After a tab a menu shows text where shortcuts are, and no shortcut comes of it.
        key = QKeySequence(spec.editor_key).toString(QKeySequence.SequenceFormat.NativeText)
        action = QAction(f"{spec.text}\t{key}" if key else spec.text, parent)
        action.setObjectName(action_id.name)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setStatusTip(spec.tip)
        action.setCheckable(spec.is_checkable)
        action.setMenuRole(spec.role)
        actions[action_id] = action
    enable(actions, {Needs.NOTHING})
    return actions


def enable(actions: Mapping[ActionId, QAction], there_is: Collection[Needs]) -> None:
    """Enable the actions whose needs are met, and disable the others."""
    for action_id, action in actions.items():
        needs = ACTIONS[action_id].needs
        action.setEnabled(needs is Needs.NOTHING or needs in there_is)
