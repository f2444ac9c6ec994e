"""`starpad engine …`: other builds of the engine, without a window."""

import argparse
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from starpad.core import (
    engine_pack,
    gpu_machine,
    history_opening,
    offered_packs,
    paths,
    settings_store,
    user_data,
)
from starpad.core.chosen_pack import BOX, chosen_pack, folder_of
from starpad.core.engine_pack import InstalledPack
from starpad.core.errors import EngineError, HistoryError, StarpadError
from starpad.core.offered_packs import PackOffer
from starpad.core.setting_values import with_values
from starpad.engines.pack_probe import probe
from starpad.hub import pack_install

_NATIVE = "native"
_INTERRUPTED = 130


def run(argv: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except StarpadError as error:
        _say(" ".join(filter(None, [error.message, error.hint])))
        return 1
    except KeyboardInterrupt:
        _say("Stopped.")
        return _INTERRUPTED
    return 0


def _list(_arguments: argparse.Namespace) -> None:
    chosen = chosen_pack()
    _print(f"{'* ' if not chosen else '  '}{BOX:12} the engine that comes with Starpad")
    for pack in engine_pack.installed(_folder()):
        mark = "* " if chosen == str(pack.folder) else "  "
        _print(f"{mark}{pack.name:12} {pack.version}, {pack.built_for}; {pack.folder}")
    names = [offer.pack.name for offer in _offers() if offer.is_recommended]
    if names:
        _print(f"\nFor this computer's graphics card: {', '.join(names)}")
    _print(f"\n`starpad engine build` compiles one for this processor, as {_NATIVE}.")


def _build(arguments: argparse.Namespace) -> None:
    from starpad.engines.machine import processor_name
    from starpad.engines.pack_build import build_wheel

    # A terminal that is closed ends the compilers, too, as Ctrl+C does.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    folder = _folder()
    with _working_folder(folder) as work:
        wheel = build_wheel(work, _progress)
        pack = pack_install.install_wheel(
            wheel,
            folder,
            arguments.name,
            built_for=processor_name(),
            source="compiled on this computer",
        )
    _try_and_use(pack)


def _install(arguments: argparse.Namespace) -> None:
    wheel = Path(arguments.wheel)
    if wheel.is_file():
        name = arguments.name or engine_pack.name_from("-".join(wheel.stem.split("-")[:2]))
        source = str(wheel.absolute())
        pack = pack_install.install_wheel(wheel, _folder(), name, built_for="", source=source)
    else:
        pack = _download(arguments.wheel, arguments.name)
    _try_and_use(pack)


def _download(wanted: str, name: str) -> InstalledPack:
    """Fetch an offered pack by its name and install it. Raises EngineError, HubError."""
    from starpad.hub.pack_download import download_wheel  # takes 80 ms to import
    from starpad.hub.session import StopSignal

    offers = {offer.pack.name: offer for offer in _offers()}
    if wanted not in offers:
        known = ", ".join(offers) or "none"
        message = f"{wanted} is no file, and no pack for this system; there are: {known}."
        raise EngineError(message)
    offer = offers[wanted]
    if not offer.wheel.is_known:
        raise EngineError(
            f"The file of {offer.pack.title} is not known to this version of Starpad.",
            f"Fetch it from {offer.pack.page} and give its path instead of the name.",
        )
    size = offer.wheel.size_bytes / 1e6
    _say(f"Fetching {offer.pack.title}, {size:,.0f} MB, from {offer.wheel.host}.")
    wheel = download_wheel(offer.wheel, _folder(), stop=StopSignal(), progress=_bytes_progress)
    pack = pack_install.install_wheel(
        wheel,
        _folder(),
        name or offer.pack.name,
        built_for=offer.pack.title,
        source=offer.wheel.url,
        sha256=offer.wheel.sha256,
    )
    wheel.unlink(missing_ok=True)
    return pack


def _use(arguments: argparse.Namespace) -> None:
    if arguments.name == BOX:
        _choose("")
        _say("Models are loaded with the engine in the box from now on.")
        return
    _try_and_use(_installed(arguments.name))


def _remove(arguments: argparse.Namespace) -> None:
    pack = _installed(arguments.name)
    if chosen_pack() == str(pack.folder):
        _choose("")
    pack_install.remove(_folder(), pack.name)
    _say(f"{pack.name} was removed.")


def _try_and_use(pack: InstalledPack) -> None:
    """Load the demonstration model with a pack, and choose the pack if that works."""
    try:
        report = probe(pack.folder)
    except EngineError as error:
        message = f"The engine pack {pack.name} does not work here: {error.message}"
        raise EngineError(message, "The engine stays as it was.") from error
    _choose(str(pack.folder))
    seen = " and ".join(device.description for device in report.devices if device.is_gpu)
    _say(f"{pack.name} works{f' and sees {seen}' if seen else ''}. Models are loaded with it now.")


def _choose(folder: str) -> None:
    """Set what models are loaded with. Raises EngineError while a window would not know of it."""
    data = paths.data_folder()
    path = settings_store.default_path()
    try:
        is_used = data.is_dir()
        with (
            history_opening.alone(data / user_data.DATABASE)
            if is_used
            else contextlib.nullcontext()
        ):
            settings, _ = settings_store.load(path)
            # A llama-server of the user's would go before any pack.
            program = "" if folder else settings.engine_program
            changed = with_values(settings, engine_pack=folder, engine_program=program)
            settings_store.save(changed, path)
    except HistoryError as error:
        raise EngineError(
            "A window of Starpad is open, which would not notice.",
            "Choose it there: menu Model, Engine…, page Engine packs.",
        ) from error


def _folder() -> Path:
    return engine_pack.packs_folder(paths.data_folder())


def _installed(name: str) -> InstalledPack:
    folder = folder_of(name)
    pack = engine_pack.read_pack(Path(folder)) if folder else None
    if pack is None:
        raise EngineError("The engine in the box stays where it is.")
    return pack


def _offers() -> list[PackOffer]:
    return offered_packs.offered_for(gpu_machine.look_at_machine())


@contextlib.contextmanager
def _working_folder(folder: Path) -> Iterator[Path]:
    """Give a folder on the disk of the packs: /tmp may be memory. It stays if something fails."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob(".building-*"):
        shutil.rmtree(old, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=folder))
    yield work
    shutil.rmtree(work, ignore_errors=True)


def _progress(text: str) -> None:
    if text.endswith("%"):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()
    else:
        _say(text)


def _bytes_progress(done: int, total: int) -> None:
    _progress(f"{done / total:.0%}" if total else "0%")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="starpad engine",
        description="Other builds of the engine: for graphics cards, or for this very processor.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    each = commands.add_parser("list", help="show what is installed; * marks what is used")
    each.set_defaults(run=_list)
    each = commands.add_parser(
        "build",
        help="compile the engine for this processor and use it",
        description="Fetches the engine's source (38 MB) from the Python package index, compiles "
        "it for this processor and uses it if it works. Needs a C++ compiler and Python 3.11 or "
        "newer with its headers; takes some minutes and 3 GB of disk space meanwhile.",
    )
    each.add_argument("--name", default=_NATIVE, help=f"what to call it ({_NATIVE})")
    each.set_defaults(run=_build)
    each = commands.add_parser(
        "install",
        help="install a build and use it",
        description="Installs a wheel of xllamacpp, or fetches one of those that `list` offers.",
    )
    each.add_argument("wheel", metavar="WHEEL", help="a file, or the name of one that is offered")
    each.add_argument("--name", default="", help="what to call it")
    each.set_defaults(run=_install)
    each = commands.add_parser("use", help="load models with an installed build from now on")
    each.add_argument("name", metavar="NAME", help=f"as in `list`; {BOX}: Starpad's own")
    each.set_defaults(run=_use)
    each = commands.add_parser("remove", help="delete an installed build")
    each.add_argument("name", metavar="NAME")
    each.set_defaults(run=_remove)
    return parser


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _say(text: str) -> None:
    sys.stderr.write(f"\r\x1b[K{text}\n" if sys.stderr.isatty() else f"{text}\n")
    sys.stderr.flush()
