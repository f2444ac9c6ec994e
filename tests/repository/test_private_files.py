"""Keys and tokens are known by a file's name, its folder or what it holds."""

import pytest

from starpad.repository.private_files import has_private_name, holds_secret, is_private


@pytest.mark.parametrize(
    "path",
    [
        ".env", "app/.env.local", "server.pem", "tls/SERVER.KEY", "id_rsa", "keys/id_rsa.pub",
        ".npmrc", ".pypirc", ".netrc", "Credentials.json", "credentials", "vault.kdbx", "a.p12",
        "my-service-account-1.json", ".ssh/config", "home/.aws/config", "secrets.yaml",
    ],
)  # fmt: skip
def test_files_for_secrets_are_known_by_name(path: str) -> None:
    assert has_private_name(path)


@pytest.mark.parametrize(
    "path", ["main.py", "environment.py", "key.py", "keyboard.c", "src/monkey.ts", "", "env/x.py"]
)
def test_code_has_no_private_name(path: str) -> None:
    assert not has_private_name(path)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN OPENSSH PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----",
        'token = "ghp_' + "a1B2" * 9 + '"', "key=AKIA" + "ABCD1234" * 2, "hf_" + "x" * 34,
        'OPENAI = "sk-proj-' + "a" * 40 + '"', '{"type": "service_account"}',
        "glpat-" + "a" * 20, "xoxb-123456789012",
    ],
)  # fmt: skip
def test_texts_with_keys_or_tokens_are_known(text: str) -> None:
    assert holds_secret(f"first line\n{text}\nlast line\n")


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN CERTIFICATE-----", "task-" + "a" * 30, "hf_hub_url = 1", "risk-averse", "ghp_x"],
)
def test_other_text_holds_no_secret(text: str) -> None:
    assert not holds_secret(text)


def test_a_document_is_private_by_either() -> None:
    assert is_private(".env", "")
    assert is_private(None, "-----BEGIN RSA PRIVATE KEY")
    assert not is_private(None, "x = 1")
    assert not is_private("main.py", "x = 1")
