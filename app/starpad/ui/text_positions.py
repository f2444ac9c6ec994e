"""Between Qt's text (UTF-16 units, U+2029 between blocks) and Python's (code points, LF)."""

from PySide6.QtGui import QTextCursor, QTextDocument

from starpad.core import text_file

PARAGRAPH_SEPARATOR = "\u2029"


def utf16_length(text: str) -> int:
    """Return the length of `text` in Qt's units."""
    # Quick with whole documents, too.
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def document_text(document: QTextDocument) -> str:
    """Return the whole text with LF; unlike toPlainText() it keeps no-break spaces."""
    return text_file.document_text(document.toRawText())


def text_between(document: QTextDocument, start: int, end: int) -> str:
    """Return the text between two positions (UTF-16 units) with LF.

    Half a character at an edge is left out: no encoding can hold it.
    """
    if end == start + 1 and (typed := document.characterAt(start)).isascii():
        return typed  # as for each key
    cursor = QTextCursor(document)
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    text = text_file.document_text(cursor.selectedText())
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
