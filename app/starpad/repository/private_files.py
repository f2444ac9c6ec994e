"""Which files no model gets to see as another file's surroundings: keys, passwords, tokens."""

import re
from fnmatch import fnmatch
from pathlib import PurePath

_NAMES = (
    ".env*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.ppk", "*.kdbx", "*.kdb", "*.jks",
    "*.keystore", "*.gpg", "*.asc", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".npmrc",
    ".yarnrc*", ".pypirc", ".netrc", "_netrc", ".pgpass", ".htpasswd", ".git-credentials",
    "credentials*", ".dockercfg", "secrets", "secrets.*", "*service-account*.json",
    "*service_account*.json", "*.tfstate*", "*.tfvars",
)  # fmt: skip
_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".azure", ".kube", ".docker"})
_SECRETS = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"
    r'|"type"\s*:\s*"service_account"'
    # Tokens of GitHub, GitLab, AWS, Hugging Face, OpenAI and its like, Slack, Google, npm, PyPI.
    r"|\bgh[pousr]_[A-Za-z0-9]{16}|\bgithub_pat_\w{16}|\bglpat-[\w-]{16}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{12}|\bhf_[A-Za-z0-9]{16}|\bsk-[A-Za-z0-9_-]{16}"
    r"|\bxox[abprs]-[\w-]{10}|\bAIza[\w-]{30}|\bnpm_[A-Za-z0-9]{30}|\bpypi-[\w-]{16}"
)


def has_private_name(path: PurePath | str) -> bool:
    """Return whether a file is one for secrets, by its name or by a folder that it lies in."""
    *folders, name = (part.lower() for part in PurePath(path).parts or ("",))
    return not _FOLDERS.isdisjoint(folders) or any(fnmatch(name, pattern) for pattern in _NAMES)


def holds_secret(text: str) -> bool:
    """Return whether a text has what looks like a private key or a token in it."""
    return _SECRETS.search(text) is not None


def is_private(path: PurePath | str | None, text: str) -> bool:
    """Return whether a file should stay unseen: by its name, or by what it holds."""
    return (path is not None and has_private_name(path)) or holds_secret(text)
