"""`starpad reset`: deletes what Starpad keeps of this user, after a question."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from starpad.core import history_opening, settings_store, user_data
from starpad.core.catalog import HUB
from starpad.core.errors import HistoryError, StarpadError
from starpad.core.remote_server_store import RemoteServerStore
from starpad.core.user_data import Item, Kind, Places

_IN_USE = "Nothing was deleted: a window of Starpad is open. Close it and try again."


def run(argv: Sequence[str]) -> int:
    """Delete what the arguments name; 1 if it was not done, or something was left."""
    arguments = _arguments(argv)
    kinds = set(Kind) if arguments.all else set(arguments.kinds)
    settings, _ = settings_store.load(settings_store.default_path())
    places = user_data.usual_places(settings.models_folder)
    database = places.data / user_data.DATABASE
    try:
        items = user_data.find(places, kinds)
        if not items:
            _print("There is nothing to delete.")
            return 0
        # Held until all is done: a window that starts meanwhile says that it cannot read them.
        with history_opening.alone(database) if places.data.is_dir() else nullcontext():
            _list(items)
            if not (arguments.yes or _is_sure()):
                _print("Nothing was deleted.")
                return 1
            left = _forget_keys(places, settings.hub_endpoint) if Kind.SETTINGS in kinds else []
            user_data.remove(items)
    except HistoryError as error:
        _print(_IN_USE if error.retryable else str(error))
        return 1
    except (OSError, KeyboardInterrupt) as error:
        _print(f"It was not finished: {getattr(error, 'strerror', None) or 'stopped'}.")
        return 1
    left += _finish(places, items, kinds)
    _print("\n".join([*left, "All else was deleted." if left else "Done."]))
    if Kind.MODELS in kinds and places.foreign_models is not None:
        _print(f"The models in {places.foreign_models} were left; delete that folder yourself.")
    return 1 if left else 0


def _finish(places: Places, items: Sequence[Item], kinds: set[Kind]) -> list[str]:
    """Delete what nobody holds any more, and the folders; return what was left, in sentences."""
    stuck = user_data.remove(items)  # Windows deletes no lock that is held
    left = [f"{path} could not be deleted." for path in stuck]
    if kinds == set(Kind):
        rest = user_data.remove_empty_folders(places)
        left += [f"{path} was left: Starpad has not made it." for path in rest if path not in stuck]
    return left


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="starpad reset",
        description="Deletes what Starpad keeps of you on this computer, for good. It shows what, "
        "and asks.",
        epilog="A models folder that you moved elsewhere is named and left, and so are the files "
        "that you edit.",
    )
    for name, kind in (
        ("settings", Kind.SETTINGS),
        ("models", Kind.MODELS),
        ("conversations", Kind.CONVERSATIONS),
    ):
        parser.add_argument(
            f"--{name}",
            dest="kinds",
            action="append_const",
            const=kind,
            default=[],
            help=kind,
        )
    parser.add_argument("--all", action="store_true", help="all of that, logs and empty folders")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    arguments = parser.parse_args(argv)
    if not (arguments.all or arguments.kinds):
        parser.error("say what to delete: --settings, --models, --conversations or --all")
    return arguments


def _list(items: Sequence[Item]) -> None:
    _print("This will be deleted, for good:")
    for kind in dict.fromkeys(item.kind for item in items):
        _print(f"\n{kind[:1].upper()}{kind[1:]}")
        for item in items:
            if item.kind is kind:
                link = f" (only the link to {os.readlink(item.path)})" if item.is_link else ""
                _print(f"  {_size(item.size_bytes):>10}  {item.path}{link}")
    _print(f"\n{_size(sum(item.size_bytes for item in items))} in all.")


def _is_sure() -> bool:
    try:
        return input("Delete all this? Type yes: ").strip().lower() in ("y", "yes")
    except EOFError:
        _print("")
        return False


def _forget_keys(places: Places, hub_endpoint: str) -> list[str]:
    """Take tokens and keys out of the system's keyring; return what did not work."""
    from starpad.hub.token_store import TokenStore
    from starpad.services.server_keys import ServerKeys

    folder = places.data / "tokens"
    hubs = {HUB, hub_endpoint.strip(), os.environ.get("HF_ENDPOINT", "").strip()} - {""}
    servers = RemoteServerStore(places.data / "remote-servers.json").all()
    keys = ServerKeys(folder)
    problems = []
    for forget, address in (
        *((TokenStore(folder).forget, hub) for hub in sorted(hubs)),
        *((keys.forget, server.address) for server in servers),
    ):
        try:
            forget(address)
        except StarpadError as error:
            problems.append(str(error))
    return problems


def _size(size_bytes: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} bytes"


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
