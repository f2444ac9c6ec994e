"""The version resource of Starpad's programs: what Explorer shows under Properties > Details."""

PUBLISHER = "The Starpad authors"
_ENGLISH_UNICODE = "040904B0"

_RESOURCE = """\
VSVersionInfo(
    ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, OS=0x40004, fileType=1),
    kids=[
        StringFileInfo([StringTable({language!r}, [{strings}])]),
        VarFileInfo([VarStruct("Translation", [0x0409, 0x04B0])]),
    ],
)
"""


def version_numbers(version: str) -> tuple[int, int, int, int]:
    """Return the four numbers that Windows compares; ValueError unless `version` is x.y.z."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch, 0


def version_info(version: str, name: str, description: str) -> str:
    """Return the text of the file that PyInstaller's `version=` wants, for program `name`.exe.

    `description` is the program's name in the task manager and in "Open with". Raises ValueError
    unless `version` is x.y.z.
    """
    strings = {
        "CompanyName": PUBLISHER,
        "FileDescription": description,
        "FileVersion": version,
        "InternalName": name,
        "LegalCopyright": f"{PUBLISHER}; Apache License 2.0",
        "OriginalFilename": f"{name}.exe",
        "ProductName": "Starpad",
        "ProductVersion": version,
    }
    rows = ", ".join(f"StringStruct({key!r}, {value!r})" for key, value in strings.items())
    numbers = version_numbers(version)
    return _RESOURCE.format(numbers=numbers, language=_ENGLISH_UNICODE, strings=rows)
