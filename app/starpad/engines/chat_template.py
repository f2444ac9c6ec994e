"""Renders chat templates as Hugging Face does, within bounds: a model's file may hold anything."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from starpad.core.errors import ChatTemplateError

Message = dict[str, str]

# A conversation of a thousand messages takes thousands of steps; what takes more never ends.
_MAX_STEPS = 200_000
_MAX_REPETITION = 10_000
_OWN_CHARACTERS = 1_000_000
"""What a template may write beyond the messages themselves, each at most _MAX_COPIES times."""
_MAX_COPIES = 4
_STEP = "_starpad_step"
_HINT = "Choose another model for chat; suggestions in the editor are not concerned."


class ChatTemplate:
    """One compiled template. Raises ChatTemplateError if it is not Jinja."""

    def __init__(self, source: str, bos_text: str = "", eos_text: str = "") -> None:
        self._texts = {"bos_token": bos_text, "eos_token": eos_text}
        self._steps = 0
        environment = _Environment()
        try:
            tree = environment.parse(source)
            _count_steps(tree, environment)
            self._template = environment.from_string(tree)
        except Exception as error:  # the compiler has its own errors for what the parser let pass
            message = f"The model's chat template cannot be read: {_one_line(error)}."
            raise ChatTemplateError(message, _HINT) from error
        self._template.globals.update(
            {_STEP: self._step, "raise_exception": _refuse, "strftime_now": _now}
        )

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool) -> str:
        """Return the prompt's text for messages with `role` and `content`.

        Raises ChatTemplateError for whatever the template cannot do with them.
        """
        self._steps = 0
        most = _OWN_CHARACTERS + _MAX_COPIES * sum(len(each["content"]) for each in messages)
        parts: list[str] = []
        length = 0
        try:
            for part in self._template.generate(
                messages=list(messages),
                add_generation_prompt=add_generation_prompt,
                tools=None,
                documents=None,
                **self._texts,
            ):
                parts.append(part)
                length += len(part)
                if length > most:
                    raise SecurityError("it writes without end")
        except _Refusal as refusal:
            message = f"The model's chat template refuses this conversation: {refusal}."
            raise ChatTemplateError(message, _HINT) from refusal
        except Exception as error:  # a template can raise whatever Python's operators can
            message = f"The model's chat template fails: {_one_line(error)}."
            raise ChatTemplateError(message, _HINT) from error
        return "".join(parts)

    def _step(self) -> str:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise SecurityError("it does not come to an end")
        return ""


def takes_system_message(template: ChatTemplate) -> bool:
    """Return whether a system message has a place in the template.

    Raises ChatTemplateError if not even a single question can be rendered.
    """
    question = {"role": "user", "content": "question"}
    template.render([question], add_generation_prompt=True)
    try:
        system = {"role": "system", "content": "instruction"}
        return "instruction" in template.render([system, question], add_generation_prompt=True)
    except ChatTemplateError:
        return False


class _Refusal(Exception):  # noqa: N818  (the template's own words, not an error of ours)
    """Raised by a template's `raise_exception`."""


def _refuse(message: object = "") -> str:
    raise _Refusal(_one_line(message))


def _now(format_: str) -> str:
    return datetime.now().strftime(format_)


def _one_line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")[:300] or type(text).__name__


class _Generation(Extension):
    """The Hub's `generation` block, which marks answers for training and changes nothing."""

    tags = {"generation"}  # noqa: RUF012  (as Jinja declares it)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Return the block's own content."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja as Hugging Face sets it up, and nothing that could fill the memory in one step."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", _Generation],
        )
        self.filters["tojson"] = _to_json

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute what is small."""
        is_number = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "*" and not is_number:
            count = next((each for each in (left, right) if isinstance(each, int)), 0)
            if count > _MAX_REPETITION:
                raise SecurityError("it repeats a text too often")
        elif operator == "**" or not is_number:
            raise SecurityError(f"the operator {operator} is not allowed here")
        return super().call_binop(context, operator, left, right)


def _to_json(value: object, indent: int | None = None) -> str:
    """Return JSON with every character as it is; Jinja's own filter escapes for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _count_steps(tree: nodes.Template, environment: Environment) -> None:
    """Let each round of a loop and each call of a macro report: `range` of `range` has no end."""
    repeated: list[nodes.For | nodes.Macro] = [*tree.find_all(nodes.For)]
    for node in (*repeated, *tree.find_all(nodes.Macro)):
        call = nodes.Call(nodes.Name(_STEP, "load"), [], [], None, None)
        step = nodes.ExprStmt(call).set_lineno(node.lineno).set_environment(environment)
        node.body.insert(0, step)
