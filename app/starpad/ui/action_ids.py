"""All actions by name, the menus, and what an action can need; ui/actions.py says the rest."""

from enum import Enum, StrEnum, auto


class ActionId(Enum):
    """Every action; ACTIONS says what each one is."""

    NEW = auto()
    OPEN = auto()
    OPEN_FOLDER = auto()
    SAVE = auto()
    SAVE_AS = auto()
    RELOAD = auto()
    REOPEN_WITH_ENCODING = auto()
    SAVE_WITH_ENCODING = auto()
    LINE_ENDS = auto()
    CLOSE_TAB = auto()
    REOPEN_TAB = auto()
    QUIT = auto()
    UNDO = auto()
    REDO = auto()
    CUT = auto()
    COPY = auto()
    PASTE = auto()
    SELECT_ALL = auto()
    FIND = auto()
    FIND_NEXT = auto()
    FIND_PREVIOUS = auto()
    REPLACE = auto()
    FIND_IN_FOLDER = auto()
    GO_TO_LINE = auto()
    SETTINGS = auto()
    INDENT = auto()
    OUTDENT = auto()
    TOGGLE_COMMENT = auto()
    DUPLICATE = auto()
    MOVE_UP = auto()
    MOVE_DOWN = auto()
    DELETE_LINE = auto()
    JOIN_LINES = auto()
    TRIM = auto()
    FINAL_LINE_END = auto()
    COMMAND_PALETTE = auto()
    ZOOM_IN = auto()
    ZOOM_OUT = auto()
    ZOOM_RESET = auto()
    LANGUAGE = auto()
    INDENTATION = auto()
    TOGGLE_WRAP = auto()
    TOGGLE_WHITE_SPACE = auto()
    SIDE_BAR = auto()
    FULL_SCREEN = auto()
    NEXT_PANE = auto()
    PREVIOUS_PANE = auto()
    TAB_MOVES_FOCUS = auto()
    NEXT_TAB = auto()
    PREVIOUS_TAB = auto()
    SUGGEST = auto()
    ACCEPT = auto()
    ACCEPT_WORD = auto()
    ACCEPT_LINE = auto()
    NEXT_SUGGESTION = auto()
    PREVIOUS_SUGGESTION = auto()
    DISMISS = auto()
    CHANGE_CODE = auto()
    TOGGLE_SUGGESTIONS = auto()
    TOGGLE_LANGUAGE_SUGGESTIONS = auto()
    INSPECT_PROMPT = auto()
    SHOW_FIGURES = auto()
    CHAT = auto()
    NEW_CONVERSATION = auto()
    CONVERSATIONS = auto()
    EXPLAIN = auto()
    FIX = auto()
    WRITE_TESTS = auto()
    DOCUMENT = auto()
    ADD_CODE = auto()
    STOP_ANSWER = auto()
    ANSWER_OPTIONS = auto()
    CHOOSE_MODEL = auto()
    MODELS = auto()
    OPEN_MODEL = auto()
    USE_DEMO_MODEL = auto()
    LOAD_SETTINGS = auto()
    RESTART_ENGINE = auto()
    UNLOAD_MODEL = auto()
    SHOW_ENGINE_LOG = auto()
    ENGINE = auto()
    SHARING = auto()
    REMOTE_SERVERS = auto()
    BENCHMARK = auto()
    EVALUATION = auto()
    SHORTCUTS = auto()
    CHECK_UPDATES = auto()
    ABOUT = auto()


class Menu(StrEnum):
    """The menus, in the menu bar's order; the value is the title."""

    FILE = "&File"
    EDIT = "&Edit"
    LINES = "&Lines"
    VIEW = "&View"
    SUGGESTIONS = "&Suggestions"
    CHAT = "&Chat"
    MODEL = "&Model"
    HELP = "&Help"


class Needs(StrEnum):
    """What must be there for an action to make sense."""

    NOTHING = "nothing"
    DOCUMENT = "an open document"
    SUGGESTION = "a suggestion on the screen"
    MODEL = "a loaded model"
