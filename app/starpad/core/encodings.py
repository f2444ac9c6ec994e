"""The encodings that are offered when a file is opened or saved with another one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Encoding:
    """A Python codec, whether a byte order mark is written, and how the user calls it."""

    name: str
    has_bom: bool
    label: str


ENCODINGS = (
    Encoding("utf-8", False, "UTF-8"),
    Encoding("utf-8", True, "UTF-8 with BOM"),
    Encoding("utf-16-le", True, "UTF-16 LE"),
    Encoding("utf-16-be", True, "UTF-16 BE"),
    Encoding("cp1252", False, "Western (Windows-1252)"),
    Encoding("latin-1", False, "Western (ISO 8859-1)"),
    Encoding("iso8859-15", False, "Western (ISO 8859-15)"),
    Encoding("cp1250", False, "Central European (Windows-1250)"),
    Encoding("iso8859-2", False, "Central European (ISO 8859-2)"),
    Encoding("cp1251", False, "Cyrillic (Windows-1251)"),
    Encoding("koi8-r", False, "Cyrillic (KOI8-R)"),
    Encoding("cp1253", False, "Greek (Windows-1253)"),
    Encoding("cp1254", False, "Turkish (Windows-1254)"),
    Encoding("cp1255", False, "Hebrew (Windows-1255)"),
    Encoding("cp1256", False, "Arabic (Windows-1256)"),
    Encoding("gb18030", False, "Chinese (GB 18030)"),
    Encoding("big5", False, "Chinese (Big5)"),
    Encoding("cp932", False, "Japanese (Shift JIS)"),
    Encoding("euc_jp", False, "Japanese (EUC)"),
    Encoding("euc_kr", False, "Korean (EUC)"),
    Encoding("cp437", False, "DOS (437)"),
    Encoding("cp850", False, "DOS (850)"),
)
