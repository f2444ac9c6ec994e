"""Recognizing a family: by repository, by file name, by header; and never taking a tune for it."""

import pytest

from starpad.core.catalog import Family, load
from starpad.core.families import find_family

FAMILIES = load()


def _found(
    *,
    repository: str = "",
    file_name: str = "",
    architecture: str = "",
    base_model: str = "",
    name: str = "",
) -> str:
    family = find_family(
        FAMILIES,
        repository=repository,
        file_name=file_name,
        architecture=architecture,
        base_model=base_model,
        name=name,
    )
    return family.id if family else ""


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.id)
def test_every_repository_of_the_catalog_is_recognized(family: Family) -> None:
    for repository in family.repositories:
        file = repository.file_pattern.replace("*", "Q8_0.gguf")
        assert _found(repository=repository.id.upper(), file_name=file) == family.id
    assert _found(base_model=family.original) == family.id
    assert _found(repository=family.original) == family.id


# File names as they stand in the repositories that are known, and in others of the same kind.
FILES = {
    "tiny_starcoder_py.Q4_K_M.gguf": "tiny_starcoder_py",
    "tiny_starcoder_py-Q2_K.gguf": "tiny_starcoder_py",
    "starcoderbase-1b.Q4_K_M.gguf": "starcoderbase-1b",
    "starcoderbase-1B.Q8_0.gguf": "starcoderbase-1b",
    "starcoderbase-1b-q2_k.gguf": "starcoderbase-1b",
    "starcoderbase-3b.Q4_K_S.gguf": "starcoderbase-3b",
    "starcoderbase-7b.Q3_K_L.gguf": "starcoderbase-7b",
    "starcoderbase.IQ3_XS.gguf": "starcoderbase",
    "starcoderbase-15b.Q4_0.gguf": "starcoderbase",
    "starcoder.Q4_K_S.gguf": "starcoder",
    "starcoder.i1-Q4_K_M.gguf": "starcoder",
    "starcoder.ggmlv3.q4_0.bin": "starcoder",
    "starcoder-ggml-q4_0.bin": "starcoder",
    "starcoder-newbpe-q4_0.gguf": "starcoder",
    "starcoderplus.Q5_K_M.gguf": "starcoderplus",
    "starcoder2-3b-Q4_K_M.gguf": "starcoder2-3b",
    "starcoder2-3b_q4_k_m.gguf": "starcoder2-3b",
    "starcoder2-3b.IQ4_NL.gguf": "starcoder2-3b",
    "starcoder2-3b.Q4_K_M (1).gguf": "starcoder2-3b",
    "StarCoder2-7B-UD-Q4_K_XL.gguf": "starcoder2-7b",
    "starcoder2-7b-f16.gguf": "starcoder2-7b",
    "ggml-starcoder2-15b-q4_k.gguf": "starcoder2-15b",
    "starcoder2-15b-Q8_0-00001-of-00002.gguf": "starcoder2-15b",
    "starcoder2-15b-instruct-v0.1-IQ1_S.gguf": "starcoder2-15b-instruct-v0.1",
    "starcoder2-15b-instruct-v0.1.Q4_0.gguf": "starcoder2-15b-instruct-v0.1",
    "starcoder2-7b-instruct.Q4_1.gguf": "starcoder2-7b-instruct",
    "starchat2-15b-v0.1.Q4_K_M.gguf": "starchat2-15b-v0.1",
    "starchat2-15b-Q4_K_M.gguf": "starchat2-15b-v0.1",
    "starchat-beta-Q5_K_M.gguf": "starchat-beta",
    "starchat-beta.ggmlv3.q4_0.bin": "starchat-beta",
    "WizardCoder-15B-V1.0.Q5_1.gguf": "wizardcoder-15b-v1.0",
    "WizardCoder-15B-1.0.ggmlv3.q4_0.bin": "wizardcoder-15b-v1.0",
    "octocoder.ggmlv1.q4_0.bin": "octocoder",
    "sub/folder\\starcoder2-3b.Q2_K.gguf": "starcoder2-3b",
    # Others.
    "starcoder2-15b-instruct-Q4_K_M.gguf": "",  # another maker's than v0.1
    "starcoder2-3b-instruct.Q4_K_M.gguf": "",
    "starcoder2-chat-Q4_K_M.gguf": "",
    "starchat-alpha-ggml-q4_0.bin": "",
    "starchat2-15b-sft-v0.1.Q4_K_M.gguf": "",
    "starcoder2-3b-sql-lora.Q4_K_M.gguf": "",
    "starcoderbase-1b-sft.gguf": "",
    "starcoder2.Q4_K_M.gguf": "",
    "starencoder.gguf": "",
    "WizardCoder-Python-13B-V1.0.Q4_K_M.gguf": "",
    "WizardCoder-33B-V1.1.Q4_K_M.gguf": "",
    "santacoder-q4_0.gguf": "",
    "qwen2.5-coder-3b.Q4_K_M.gguf": "",
    "codellama-7b.Q4_0.gguf": "",
    "model.gguf": "",
    "": "",
}


@pytest.mark.parametrize("file_name", FILES)
def test_a_file_name_tells_the_family(file_name: str) -> None:
    assert _found(file_name=file_name) == FILES[file_name]


def test_a_repository_that_the_catalog_does_not_know_is_recognized_by_its_name() -> None:
    assert _found(repository="somebody/starcoder2-7b-GGUF") == "starcoder2-7b"
    assert _found(repository="PrunaAI/starcoder2-3b-GGUF-smashed") == "starcoder2-3b"
    assert _found(repository="x/bigcode_-_starcoderplus-gguf") == "starcoderplus"
    assert _found(repository="x/starcoder2-15b-instruct-GGUF") == ""


def test_in_a_repository_with_several_models_the_file_decides() -> None:
    shared = "TabbyML/models"
    assert _found(repository=shared, file_name="starcoderbase-3B.Q8_0.gguf") == "starcoderbase-3b"
    assert _found(repository=shared, file_name="codellama-7b.Q8_0.gguf") == ""
    assert _found(repository=shared) == ""
    several = "Mooizz/starcoder2-gguf"
    assert _found(repository=several, file_name="starcoder2-7b-q4_k_m.gguf") == "starcoder2-7b"


def test_the_header_tells_what_a_renamed_file_is() -> None:
    assert _found(file_name="small.gguf", name="Starcoder2 3b") == "starcoder2-3b"
    assert _found(file_name="x.gguf", name="bigcode_-_starcoder2-15b") == "starcoder2-15b"
    assert _found(file_name="x.gguf", name="My own tune") == ""


@pytest.mark.parametrize("name", ["StarCoder", "starcoder ", "StarCoder2"])
def test_a_header_that_only_names_the_series_says_nothing(name: str) -> None:
    assert _found(file_name="x.gguf", name=name) == ""
    assert _found(file_name="starcoderbase-1b.gguf", name=name) == "starcoderbase-1b"


def test_the_base_model_counts_for_a_conversion_but_not_for_a_tune() -> None:
    base = "bigcode/starcoder2-3b"
    assert _found(repository="x/gguf-quants", base_model=base) == "starcoder2-3b"
    assert _found(repository="x/starcoder2-gguf", file_name="ggml-model-Q4_K.gguf",
                  base_model=base) == "starcoder2-3b"  # fmt: skip
    assert _found(repository="x/sqlcoder-GGUF", base_model=base) == ""
    assert _found(repository="x/y", file_name="starcoder2-3b-sql.gguf", base_model=base) == ""


def test_another_architecture_is_another_model_whatever_its_name() -> None:
    assert _found(file_name="starcoder2-3b.gguf", architecture="llama") == ""
    assert _found(file_name="starcoder2-3b.gguf", architecture="starcoder") == ""
    assert _found(file_name="starcoder2-3b.gguf", architecture="starcoder2") == "starcoder2-3b"
    assert _found(file_name="starcoder.gguf", architecture="starcoder2") == ""
    assert _found(repository="bigcode/starcoder", architecture="gpt_bigcode") == "starcoder"


def test_starpads_own_demo_model_is_of_no_family() -> None:
    found = _found(
        file_name="starpad-demo-q8_0.gguf", architecture="starcoder2", name="starpad-demo"
    )
    assert found == ""
