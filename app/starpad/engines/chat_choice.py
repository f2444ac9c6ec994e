"""Finds out how a model is to be talked to, before it is loaded."""

import logging
from dataclasses import replace

from starpad.core import catalog, origin
from starpad.core.catalog import Family
from starpad.core.chat_format import ChatFormat, choose_format
from starpad.core.errors import ChatTemplateError, ModelFileError
from starpad.core.families import find_file_family
from starpad.core.model_file import ModelHeader
from starpad.engines.spec import PLAIN_TEMPLATE

log = logging.getLogger(__name__)


def format_of(header: ModelHeader, *, long_preamble: bool = False) -> ChatFormat:
    """Return the chat format for a model file; a template that does not work is its `problem`."""
    repository = origin.repository_of(header.path)
    family = find_file_family(known_families(), header.path, repository, header)
    return format_for(
        family.id if family else "", header.chat_template, long_preamble=long_preamble
    )


def known_families() -> tuple[Family, ...]:
    """Return the catalog's families; none if it is damaged, of which the user is told elsewhere."""
    try:
        return catalog.load()
    except ModelFileError as error:
        log.warning("%s", error)
        return ()


def format_for(
    family_id: str, embedded_template: str, *, long_preamble: bool = False
) -> ChatFormat:
    """Return the chat format for a family (empty: none) whose model brings a template, or not."""
    chosen = choose_format(family_id, embedded_template, long_preamble=long_preamble)
    if chosen.is_trusted:
        return chosen
    from starpad.engines.chat_template import ChatTemplate, takes_system_message  # 60 ms for Jinja

    try:
        return replace(chosen, has_system=takes_system_message(ChatTemplate(chosen.template)))
    except ChatTemplateError as error:
        # The engine tries a template out while it loads: one that never ends must not come there.
        return replace(chosen, template=PLAIN_TEMPLATE, problem=error.message)
