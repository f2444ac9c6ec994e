"""From a choice under Discover to a download: offers, licence, a copy that is here already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QMessageBox

from starpad import __version__
from starpad.core.catalog import Family
from starpad.core.download import DownloadOrder, DownloadState
from starpad.core.errors import StarpadError
from starpad.core.families import find_family
from starpad.core.license_acceptance import Acceptances
from starpad.core.licenses import License, license_for
from starpad.core.quantization import recommended
from starpad.core.remote import RemoteModel, RemoteRepository
from starpad.services.downloads import DownloadService
from starpad.services.engine import EngineService
from starpad.services.hub_account import HubAccount
from starpad.services.model_library import ModelLibrary, usual_options
from starpad.services.model_search import Found, Headers, ModelSearch
from starpad.services.settings import SettingsService
from starpad.ui.models.discover_view import DiscoverView
from starpad.ui.models.license_dialog import LicenseDialog
from starpad.ui.models.offers import Offer, OfferState

if TYPE_CHECKING:
    from starpad.core.model_file import ModelHeader


@dataclass(frozen=True, slots=True)
class ModelServices:
    """What the models window calls."""

    settings: SettingsService
    engine: EngineService
    account: HubAccount
    search: ModelSearch
    downloads: DownloadService
    library: ModelLibrary
    acceptances: Acceptances


class ModelChoice(QObject):
    """Fills the view with what the hub says, and orders what the user chooses there."""

    ordered = Signal()
    """A download was put into the queue, or is there."""
    load_requested = Signal(object)
    """(Path) of a model that is on this computer."""
    page_requested = Signal(str)
    failed = Signal(object)
    """(StarpadError)"""

    def __init__(self, view: DiscoverView, services: ModelServices) -> None:
        super().__init__(view)
        self._view = view
        self._services = services
        self._repository: RemoteRepository | None = None
        self._headers: dict[str, ModelHeader] = {}
        self._is_read = False
        self._endpoint = services.account.endpoint
        view.search_requested.connect(services.search.search)
        view.pane.files_requested.connect(self._on_pane_files_requested)
        view.pane.chosen.connect(self._on_pane_chosen)
        view.pane.page_requested.connect(self.page_requested)
        services.search.found.connect(self._on_search_found)
        services.search.search_failed.connect(view.show_search_error)
        services.search.opened.connect(self._on_search_opened)
        services.search.headers_read.connect(self._on_search_headers_read)
        services.search.read.connect(self._on_search_read)
        services.search.open_failed.connect(view.pane.show_error)
        services.library.changed.connect(self.refresh)
        services.library.copy_found.connect(self._on_library_copy_found)
        services.downloads.finished.connect(self.refresh)
        services.account.changed.connect(self._on_account_changed)
        services.engine.status_changed.connect(self.refresh)

    @Slot()
    def refresh(self) -> None:
        """Show the offers anew: something about them or about this machine has changed."""
        opened = self._repository
        if opened is not None and self._view.pane.repository == opened.summary.id:
            self._view.pane.show_offers(opened.summary.id, self._offers(opened))

    def _offers(self, opened: RemoteRepository) -> Sequence[Offer]:
        family = self._family(opened, opened.models[0] if opened.models else None)
        options = usual_options(self._services.settings.current, Path())
        usual = [model for model in opened.models if not model.is_legacy_ggml] or opened.models
        best = recommended(model.quantization for model in usual)
        marked = False
        offers = []
        for model in opened.models:
            header = self._headers.get(model.files[0].path)
            # A header's beginning does not tell; all of it does.
            parameters = (header.parameters if header else 0) or opened.summary.parameters
            is_best = not marked and model.quantization == best and model in usual and bool(best)
            marked = marked or is_best
            offers.append(
                Offer(
                    model,
                    family.parameters if family else _billions(parameters),
                    self._services.engine.fit(header, options) if header is not None else None,
                    self._expected_speed(model),
                    is_best,
                    self._state(opened, model),
                    self._is_read,
                    family.gguf_repository if family and model.is_legacy_ggml else "",
                )
            )
        return offers

    def _expected_speed(self, model: RemoteModel) -> float | None:
        """Return what was measured of others, which says nothing about the older engine."""
        if model.is_legacy_ggml:
            return None
        return self._services.library.expected_speed(model.size_bytes)

    def _family(self, opened: RemoteRepository, model: RemoteModel | None) -> Family | None:
        return self._view.pane.family or find_family(
            self._services.library.families,
            repository=opened.summary.id,
            file_name=model.files[0].path if model else "",
            architecture=opened.summary.architecture,
            base_model=opened.summary.base_model,
        )

    def _path(self, opened: RemoteRepository, model: RemoteModel) -> Path:
        return self._services.library.folder / opened.summary.id / model.files[0].path

    def _state(self, opened: RemoteRepository, model: RemoteModel) -> OfferState:
        path = self._path(opened, model)
        loaded = self._services.engine.status.model
        if loaded is not None and loaded.path == path:
            return OfferState.LOADED
        installed = self._services.library.find(path)
        if installed is not None and not self._is_outdated(installed.origin, model):
            return OfferState.INSTALLED
        download_id = f"{opened.summary.id}/{model.files[0].path}"
        for download in self._services.downloads.downloads:
            if download.id == download_id and download.state is not DownloadState.DONE:
                return OfferState.DOWNLOADING
        return OfferState.NEW

    @staticmethod
    def _is_outdated(known: object, model: RemoteModel) -> bool:
        sha256 = getattr(known, "sha256", "")
        return bool(sha256 and model.files[0].sha256 and sha256 != model.files[0].sha256)

    @Slot()
    def _on_account_changed(self) -> None:
        endpoint = self._services.account.endpoint
        if endpoint != self._endpoint:
            # A commit of one hub means nothing at another.
            self._endpoint, self._repository = endpoint, None
            self._view.pane.forget_files()

    @Slot(str)
    def _on_pane_files_requested(self, repository: str) -> None:
        self._repository, self._headers, self._is_read = None, {}, False
        self._services.search.open(repository)

    @Slot(object)
    def _on_search_found(self, found: Found) -> None:
        self._view.show_found(found.words, found.repositories)

    @Slot(object)
    def _on_search_opened(self, opened: RemoteRepository) -> None:
        self._repository, self._headers = opened, {}
        self.refresh()

    @Slot(object)
    def _on_search_headers_read(self, headers: Headers) -> None:
        if self._repository is not None and headers.repository == self._repository.summary.id:
            self._headers |= headers.by_path
            self.refresh()

    @Slot()
    def _on_search_read(self) -> None:
        self._is_read = True
        self.refresh()

    @Slot(object)
    def _on_pane_chosen(self, offer: Offer) -> None:
        opened = self._repository
        if opened is None:
            return
        if offer.state in (OfferState.INSTALLED, OfferState.LOADED):
            self.load_requested.emit(self._path(opened, offer.model))
        elif offer.state is OfferState.DOWNLOADING:
            self.ordered.emit()
        else:
            self._accept_license(opened, offer)

    def _accept_license(self, opened: RemoteRepository, offer: Offer) -> None:
        """Show the licence before the first download of a model; of a conversion, too."""
        family = self._family(opened, offer.model)
        model = family.id if family else opened.summary.id
        license_id = family.license.id if family else opened.summary.license
        page = f"{self._services.account.endpoint}/{opened.summary.id}"
        try:
            terms = license_for(license_id, page=page)
        except StarpadError as error:
            self.failed.emit(error)
            return
        order = DownloadOrder(
            endpoint=self._services.account.endpoint,
            repository=opened.summary.id,
            commit=opened.commit,
            files=offer.model.files,
            quantization=offer.model.quantization,
            license=terms.id,
        )
        if self._services.acceptances.is_accepted(terms.id, model):
            self._look_for_copy(order)
            return
        name = family.name if family else opened.summary.id
        dialog = LicenseDialog(
            self._view.window(),
            license_name=terms.name,
            summary=terms.summary,
            url=terms.url,
            model_name=name,
            repository=opened.summary.id,
        )
        dialog.page_requested.connect(self.page_requested)
        dialog.accepted.connect(lambda: self._on_license_accepted(terms, model, dialog.text, order))
        dialog.open()

    def _on_license_accepted(
        self, terms: License, model: str, text: str, order: DownloadOrder
    ) -> None:
        try:
            self._services.acceptances.accept(
                terms.id,
                model,
                text,
                repository=order.repository,
                commit=order.commit,
                app_version=__version__,
                now=datetime.now(UTC),
            )
        except StarpadError as error:
            self.failed.emit(error)
            return
        self._look_for_copy(order)

    def _look_for_copy(self, order: DownloadOrder) -> None:
        if len(order.files) == 1 and order.files[0].sha256:
            self._services.library.find_copy(order, order.files[0].sha256)
        else:
            self._order(order)

    @Slot(object, object)
    def _on_library_copy_found(self, question: object, path: object) -> None:
        if not isinstance(question, DownloadOrder):
            return
        if not isinstance(path, Path):
            self._order(question)
            return
        box = QMessageBox(self._view.window())
        box.setText("This model is on this computer already.")
        box.setInformativeText(f"{path}\nhas the same SHA-256. It can be used where it is.")
        use = box.addButton("&Use it", QMessageBox.ButtonRole.AcceptRole)
        again = box.addButton("&Download it again", QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(use)
        use.clicked.connect(lambda: self.load_requested.emit(path))
        again.clicked.connect(lambda: self._order(question))
        box.open()

    def _order(self, order: DownloadOrder) -> None:
        self._services.downloads.add(order)
        self.refresh()
        self.ordered.emit()


def _billions(parameters: int) -> str:
    if parameters >= 1e9:
        return f"{parameters / 1e9:.1f}B"
    return f"{parameters / 1e6:.0f}M" if parameters else ""
