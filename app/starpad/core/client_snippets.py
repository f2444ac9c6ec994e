"""What to write into other programs' settings so that they use the shared model.

Formats as the programs document or read them in November 2026.
"""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from starpad.core.serving import OPENCLAW_LEAST_TOKENS

_NO_FIM = "This model was not trained to fill gaps, so that it gives no suggestions there."
_NO_TOOLS = (
    "StarCoder models have not learned to call tools: expect answers and code, not agents' actions."
)
_ANSWER_TOKENS = 1024


class Program(StrEnum):
    """The programs that there is something ready for."""

    OPENAI = "openai package"
    CURL = "curl"
    CONTINUE = "Continue"
    LLAMA_VIM = "llama.vim"
    LLAMA_VSCODE = "llama.vscode"
    ZED = "Zed"
    OPENCLAW = "OpenClaw"


@dataclass(frozen=True, slots=True)
class Shared:
    """What is shared, as other programs need to know it."""

    address: str
    """As in http://127.0.0.1:8012."""
    key: str
    model: str
    context_tokens: int
    has_fim: bool


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to copy, where it belongs, and what else there is to know."""

    text: str
    place: str
    notes: tuple[str, ...] = ()


def snippet(program: Program, shared: Shared) -> Snippet:
    """Return what makes a program use the shared model."""
    return _SNIPPETS[program](shared)


def _openai(shared: Shared) -> Snippet:
    suffix = "    suffix='\\n\\nprint(fib(10))\\n',\n" if shared.has_fim else ""
    text = f"""from openai import OpenAI

client = OpenAI(base_url={shared.address + "/v1"!r}, api_key={shared.key!r})
stream = client.completions.create(
    model={shared.model!r},
    prompt='def fib(n):\\n    ',
{suffix}    max_tokens=64,
    temperature=0,
    stream=True,
)
for chunk in stream:
    print(chunk.choices[0].text, end='', flush=True)
"""
    return Snippet(text, "A Python program, with the openai package installed.")


def _curl(shared: Shared) -> Snippet:
    body: dict[str, object] = {"model": shared.model, "prompt": "def fib(n):\n    "}
    if shared.has_fim:
        body["suffix"] = "\n\nprint(fib(10))\n"
    body |= {"max_tokens": 64, "temperature": 0, "stream": True}
    text = (
        f"curl --no-buffer {shared.address}/v1/completions \\\n"
        f"  -H {shlex.quote(f'Authorization: Bearer {shared.key}')} \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(json.dumps(body))}\n"
    )
    return Snippet(text, "A terminal.")


def _continue(shared: Shared) -> Snippet:
    roles = ["chat", "edit", *(["autocomplete"] if shared.has_fim else [])]
    # JSON strings are YAML strings, whatever is in a name.
    lines = [
        "name: Starpad",
        "version: 1.0.0",
        "schema: v1",
        "models:",
        f"  - name: {json.dumps(f'{shared.model} (Starpad)')}",
        "    provider: openai",
        f"    model: {json.dumps(shared.model)}",
        f"    apiBase: {shared.address}/v1",
        f"    apiKey: {json.dumps(shared.key)}",
        f"    roles: [{', '.join(roles)}]",
        "    defaultCompletionOptions:",
        f"      contextLength: {shared.context_tokens}",
        f"      maxTokens: {_answer_tokens(shared)}",
    ]
    if shared.has_fim:
        # Continue sends the text after the caret only within a prompt of its own making, and goes
        # by the model's name for its form.
        frame = "<fim_prefix>{{{prefix}}}<fim_suffix>{{{suffix}}}<fim_middle>"
        lines += ["    promptTemplates:", f'      autocomplete: "{frame}"']
        lines += ["    autocompleteOptions:", "      maxPromptTokens: 1024"]
    notes = (_NO_TOOLS,) if shared.has_fim else (_NO_FIM, _NO_TOOLS)
    return Snippet("\n".join(lines) + "\n", "~/.continue/config.yaml", notes)


def _llama_vim(shared: Shared) -> Snippet:
    fields = {
        "endpoint": f"{shared.address}/infill",
        "endpoint_fim": f"{shared.address}/infill",
        "endpoint_inst": f"{shared.address}/v1/chat/completions",
        "api_key": shared.key,
    }
    body = ", ".join(f"{_vim(name)}: {_vim(value)}" for name, value in fields.items())
    notes = ["`endpoint` is for older versions of the plugin, the other two for newer ones."]
    if not shared.has_fim:
        notes.insert(0, _NO_FIM)
    return Snippet(
        f"let g:llama_config = {{{body}}}\n", "~/.vimrc, before the plugin is loaded.", tuple(notes)
    )


def _llama_vscode(shared: Shared) -> Snippet:
    fields = {
        "llama-vscode.endpoint": shared.address,
        "llama-vscode.api_key": shared.key,
        "llama-vscode.endpoint_chat": shared.address,
        "llama-vscode.api_key_chat": shared.key,
    }
    notes = (_NO_TOOLS,) if shared.has_fim else (_NO_FIM, _NO_TOOLS)
    return Snippet(_json(fields), "VS Code: Preferences: Open User Settings (JSON).", notes)


def _zed(shared: Shared) -> Snippet:
    fields: dict[str, object] = {
        "language_models": {
            "openai_compatible": {
                "Starpad": {
                    "api_url": f"{shared.address}/v1",
                    "available_models": [
                        {
                            "name": shared.model,
                            "display_name": f"{shared.model} (Starpad)",
                            "max_tokens": shared.context_tokens,
                            "max_output_tokens": _answer_tokens(shared),
                            "capabilities": {
                                "tools": False,
                                "images": False,
                                "parallel_tool_calls": False,
                                "prompt_cache_key": False,
                            },
                        }
                    ],
                }
            }
        }
    }
    if shared.has_fim:
        fields["edit_predictions"] = {
            "provider": "open_ai_compatible_api",
            "open_ai_compatible_api": {
                "api_url": f"{shared.address}/v1/completions",
                "model": shared.model,
                "prompt_format": "star_coder",
                "max_output_tokens": 64,
            },
        }
    key = shlex.quote(shared.key)
    start = f"STARPAD_API_KEY={key} ZED_OPEN_AI_COMPATIBLE_EDIT_PREDICTION_API_KEY={key} zed"
    notes = (
        f"Zed keeps keys elsewhere: enter the key in its settings, or start it as\n{start}",
        _NO_TOOLS if shared.has_fim else _NO_FIM,
    )
    return Snippet(_json(fields), "~/.config/zed/settings.json", notes)


def _openclaw(shared: Shared) -> Snippet:
    model = {
        "id": shared.model,
        "name": f"{shared.model} (Starpad)",
        "reasoning": False,
        "input": ["text"],
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
        "contextWindow": max(shared.context_tokens, OPENCLAW_LEAST_TOKENS),
        "maxTokens": _ANSWER_TOKENS,
        "compat": {"supportsTools": False},
    }
    provider = {
        "baseUrl": f"{shared.address}/v1",
        "apiKey": shared.key,
        "api": "openai-completions",
        "models": [model],
    }
    fields = {
        "models": {"mode": "merge", "providers": {"starpad": provider}},
        "agents": {"defaults": {"model": {"primary": f"starpad/{shared.model}"}}},
    }
    notes = [_NO_TOOLS]
    if shared.context_tokens < OPENCLAW_LEAST_TOKENS:
        notes.insert(
            0,
            f"OpenClaw needs a context of {OPENCLAW_LEAST_TOKENS:,} tokens, and this model is "
            f"loaded with {shared.context_tokens:,}: longer conversations will be refused. Load a "
            f"StarCoder2 with {OPENCLAW_LEAST_TOKENS:,}. StarCoder 1 ends at 8,192 and cannot be "
            "used.",
        )
    return Snippet(_json(fields), "~/.openclaw/openclaw.json", tuple(notes))


def _answer_tokens(shared: Shared) -> int:
    return max(1, min(_ANSWER_TOKENS, shared.context_tokens // 4))


def _json(fields: object) -> str:
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _vim(text: str) -> str:
    """Return a text as a Vim string."""
    return "'" + text.replace("'", "''") + "'"


_SNIPPETS: dict[Program, Callable[[Shared], Snippet]] = {
    Program.OPENAI: _openai,
    Program.CURL: _curl,
    Program.CONTINUE: _continue,
    Program.LLAMA_VIM: _llama_vim,
    Program.LLAMA_VSCODE: _llama_vscode,
    Program.ZED: _zed,
    Program.OPENCLAW: _openclaw,
}
