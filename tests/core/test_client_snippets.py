"""The settings for other programs are what those programs can read."""

import ast
import json
import shlex

import pytest

from starpad.core.client_snippets import Program, Shared, snippet

SHARED = Shared("http://127.0.0.1:8012", "sk-starpad-k'ey", 'a "model"', 16_384, True)
SMALL = Shared("http://127.0.0.1:8012", "sk-starpad-key", "starcoderbase", 8192, False)


@pytest.mark.parametrize("program", Program)
@pytest.mark.parametrize("shared", [SHARED, SMALL])
def test_each_has_the_address_a_place_and_no_empty_note(program: Program, shared: Shared) -> None:
    made = snippet(program, shared)
    assert shared.address in made.text
    assert made.place
    assert all(made.notes)


@pytest.mark.parametrize("program", [Program.LLAMA_VSCODE, Program.ZED, Program.OPENCLAW])
@pytest.mark.parametrize("shared", [SHARED, SMALL])
def test_json_is_json(program: Program, shared: Shared) -> None:
    assert isinstance(json.loads(snippet(program, shared).text), dict)


def test_the_python_program_is_python_with_the_key_in_it() -> None:
    tree = ast.parse(snippet(Program.OPENAI, SHARED).text)
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert {SHARED.key, SHARED.model, f"{SHARED.address}/v1"} <= texts


def test_the_curl_command_is_one_command_whose_body_is_json() -> None:
    words = shlex.split(snippet(Program.CURL, SHARED).text)
    assert words[0] == "curl"
    assert f"Authorization: Bearer {SHARED.key}" in words
    assert json.loads(words[-1])["model"] == SHARED.model
    assert "suffix" not in snippet(Program.CURL, SMALL).text


def test_continue_gets_suggestions_only_where_the_model_fills_gaps() -> None:
    text = snippet(Program.CONTINUE, SHARED).text
    assert "roles: [chat, edit, autocomplete]" in text
    assert f"apiKey: {json.dumps(SHARED.key)}" in text
    assert "<fim_prefix>{{{prefix}}}<fim_suffix>{{{suffix}}}<fim_middle>" in text
    small = snippet(Program.CONTINUE, SMALL)
    assert "autocomplete" not in small.text
    assert any("fill gaps" in note for note in small.notes)


def test_vim_strings_keep_quotes() -> None:
    assert "'sk-starpad-k''ey'" in snippet(Program.LLAMA_VIM, SHARED).text


def test_llama_vscode_asks_at_the_servers_own_address() -> None:
    fields = json.loads(snippet(Program.LLAMA_VSCODE, SHARED).text)
    assert fields["llama-vscode.endpoint"] == SHARED.address
    assert fields["llama-vscode.api_key"] == SHARED.key


def test_zed_gets_predictions_only_where_the_model_fills_gaps() -> None:
    fields = json.loads(snippet(Program.ZED, SHARED).text)
    prediction = fields["edit_predictions"]["open_ai_compatible_api"]
    assert prediction["prompt_format"] == "star_coder"
    assert prediction["api_url"] == f"{SHARED.address}/v1/completions"
    assert "edit_predictions" not in json.loads(snippet(Program.ZED, SMALL).text)
    assert SHARED.key not in snippet(Program.ZED, SHARED).text


def test_openclaw_is_told_of_the_context_and_the_user_of_what_is_missing() -> None:
    good = snippet(Program.OPENCLAW, SHARED)
    provider = json.loads(good.text)["models"]["providers"]["starpad"]
    (model,) = provider["models"]
    assert (provider["api"], provider["apiKey"]) == ("openai-completions", SHARED.key)
    assert (model["id"], model["contextWindow"]) == (SHARED.model, 16_384)
    assert model["compat"] == {"supportsTools": False}
    assert len(good.notes) == 1
    assert "not learned to call tools" in good.notes[0]
    small = snippet(Program.OPENCLAW, SMALL)
    assert "16,384" in small.notes[0]
    assert "8,192" in small.notes[0]
