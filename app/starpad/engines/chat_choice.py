"""Finds out how a model is to be talked to, before it is loaded."""

import logging
from dataclasses import replace

from starpad.core import catalog, origin
from starpad.core.chat_format import ChatFormat, choose_format
from starpad.core.errors import ChatTemplateError, ModelFileError
from starpad.core.families import find_file_family
from starpad.core.model_file import ModelHeader
from starpad.engines.spec import PLAIN_TEMPLATE

log = logging.getLogger(__name__)


def format_of(header: ModelHeader, *, long_preamble: bool = False) -> ChatFormat:
    """Return the chat format for a model file; a template that does not work is its `problem`."""
    try:
        families = catalog.load()
    except ModelFileError as error:  # the user is told of it elsewhere, and can still chat
        log.warning("%s", error)
        families = ()
    family = find_file_family(families, header.path, origin.repository_of(header.path), header)
    chosen = choose_format(
        family.id if family else "", header.chat_template, long_preamble=long_preamble
    )
    if chosen.is_trusted:
        return chosen
    from starpad.engines.chat_template import ChatTemplate, takes_system_message  # 60 ms for Jinja

    try:
        return replace(chosen, has_system=takes_system_message(ChatTemplate(chosen.template)))
    except ChatTemplateError as error:
        # The engine tries a template out while it loads: one that never ends must not come there.
        return replace(chosen, template=PLAIN_TEMPLATE, problem=error.message)
