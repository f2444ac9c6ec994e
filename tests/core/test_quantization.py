"""Names tell the quantization and what belongs together; an unsafe name is never a model."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core.quantization import (
    from_name,
    is_safe_path,
    models_of,
    quality,
    recommended,
    sort_key,
)
from starpad.core.remote import RemoteFile


def file(path: str, size: int = 100, sha256: str | None = None) -> RemoteFile:
    own = hashlib.sha256(ascii(path).encode()).hexdigest()
    return RemoteFile(path, size, own if sha256 is None else sha256)


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("starcoder2-3b-Q4_K_M.gguf", "Q4_K_M"),
        ("starcoder2-3b.Q4_K_M.gguf", "Q4_K_M"),
        ("starcoder2-3b_q4_k_m.gguf", "Q4_K_M"),
        ("ggml-starcoder2-15b-q4_k.gguf", "Q4_K_M"),
        ("starcoder2-3b.Q3_K.gguf", "Q3_K_M"),
        ("starcoder2-3b.Q5_K.gguf", "Q5_K_M"),
        ("ggml-starcoder2-15b-q6_k.gguf", "Q6_K"),
        ("starcoder.i1-Q4_K_M.gguf", "Q4_K_M"),
        ("starcoder.i1-IQ2_XXS.gguf", "IQ2_XXS"),
        ("starcoder.ggmlv3.q4_0.bin", "Q4_0"),
        ("starcoder-ggml-q8_0.bin", "Q8_0"),
        ("starcoder2-15b-instruct-v0.1-IQ4_NL.gguf", "IQ4_NL"),
        ("starcoder2-15b-instruct-v0.1-IQ3_M.gguf", "IQ3_M"),
        ("starcoder2-7b-f16.gguf", "F16"),
        ("starcoder2-7b.fp16.gguf", "F16"),
        ("model-BF16.gguf", "BF16"),
        ("model.F32.gguf", "F32"),
        ("model-Q4_0_4_4.gguf", "Q4_0_4_4"),
        ("model-Q4_0_8_8.gguf", "Q4_0_8_8"),
        ("model-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("model-UD-IQ2_XXS.gguf", "UD-IQ2_XXS"),
        ("model-Q6_K_L.gguf", "Q6_K_L"),
        ("model-MXFP4.gguf", "MXFP4"),
        ("model-MXFP4_MOE.gguf", "MXFP4"),
        ("model-TQ1_0.gguf", "TQ1_0"),
        ("model-Q8.gguf", "Q8_0"),
        ("model-q4_k_m-imatrix-v2.gguf", "Q4_K_M"),
        ("model-q4_k_m_imatrix.gguf", "Q4_K_M"),
        ("model-f16.q6_k.gguf", "Q6_K"),
        ("model-Q4_K_M-00001-of-00003.gguf", "Q4_K_M"),
        ("Q5_K_M/model-00001-of-00002.gguf", "Q5_K_M"),
        ("Q5_K_M/model-Q6_K.gguf", "Q6_K"),
        ("model-Q4_K_M.GGUF", "Q4_K_M"),
        ("starcoder2-3b.gguf", ""),
        ("faq4_k_mode.gguf", ""),
        ("gpt-3xQ4_K_Many.gguf", ""),
        ("", ""),
    ],
)
def test_a_name_tells_the_quantization(name: str, quantization: str) -> None:
    assert from_name(name) == quantization


def test_quantizations_sort_from_the_coarsest_to_the_finest() -> None:
    names = ["F16", "", "Q8_0", "Q4_K_M", "IQ2_XXS", "Q5_K_M", "UD-Q2_K_XL", "Q4_0", "Q6_K", "F32"]
    assert sorted(names, key=sort_key) == [
        "UD-Q2_K_XL", "IQ2_XXS", "Q4_0", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16", "F32", "",
    ]  # fmt: skip


def test_every_quantization_gets_an_honest_word_and_an_unknown_one_none() -> None:
    assert quality("Q4_K_M") == "recommended: small loss"
    assert "worse" in quality("Q2_K")
    assert "lossless" in quality("Q8_0")
    assert quality("UD-Q6_K_XL") == quality("Q6_K_XL") == "nearly lossless"
    assert "no longer opens" in quality("Q4_0_4_8")
    assert "no longer opens" in quality("IQ4_NL_4_4")
    assert quality("") == quality("Q7_X") == ""


@pytest.mark.parametrize(
    ("offered", "best"),
    [
        (["Q2_K", "Q4_K_M", "Q8_0"], "Q4_K_M"),
        (["Q2_K", "Q4_K_S", "Q8_0"], "Q4_K_S"),
        (["Q3_K_M", "Q6_K"], "Q6_K"),
        (["Q2_K", "F16"], "F16"),
        (["Q4_0_4_4", "Q4_0"], "Q4_0"),
        (["Q4_0_4_4"], ""),
        ([""], ""),
        ([], ""),
    ],
)
def test_the_sensible_default_is_recommended(offered: list[str], best: str) -> None:
    assert recommended(offered) == best


def test_models_are_listed_smallest_first_and_other_files_are_left_out() -> None:
    models = models_of(
        [
            file("README.md"), file("config.json"), file("m-Q8_0.gguf", 300), file("m-Q4_K_M.gguf"),
            file("mmproj-m-f16.gguf"), file("m.imatrix.gguf"), file("ggml-vocab-starcoder.gguf"),
            file("m-vocab.gguf"), file("empty-Q4_0.gguf", 0), file("pytorch_model.bin"),
            file("m-Q5_K_M.gguf.part1of2"), file("m.gguf-split-a"), file("imatrix.dat"),
        ]
    )  # fmt: skip
    assert [model.quantization for model in models] == ["Q4_K_M", "Q8_0"]


def test_files_calibrated_with_an_imatrix_are_models() -> None:
    assert len(models_of([file("m-imatrix-Q4_K_M.gguf")])) == 1


def test_parts_are_one_model_in_their_order_and_incomplete_ones_are_none() -> None:
    models = models_of(
        [
            file("big-F16-00002-of-00002.gguf", 5),
            file("big-F16-00001-of-00002.gguf", 7),
            file("gap-F16-00001-of-00003.gguf"),
            file("gap-F16-00003-of-00003.gguf"),
            file("late-F16-00002-of-00002.gguf"),
            file("odd-F16-00000-of-00000.gguf"),
            file("other/big-F16-00001-of-00001.gguf", 50),
        ]
    )
    assert [model.size_bytes for model in models] == [12, 50]
    assert [part.name for part in models[0].files] == [
        "big-F16-00001-of-00002.gguf",
        "big-F16-00002-of-00002.gguf",
    ]


def test_the_same_content_under_two_names_is_one_model() -> None:
    same = "a" * 64
    models = models_of([file("m.Q4_K.gguf", sha256=same), file("m.Q4_K_M.gguf", sha256=same)])
    assert [model.files[0].path for model in models] == ["m.Q4_K_M.gguf"]


def test_one_quantization_of_two_contents_is_two_models() -> None:
    assert len(models_of([file("3b-Q4_K_M.gguf"), file("7b-Q4_K_M.gguf")])) == 2


def test_files_whose_hash_is_unknown_are_all_kept() -> None:
    assert len(models_of([file("3b-Q4_K_M.gguf", sha256=""), file("7b.gguf", sha256="")])) == 2


def test_ggml_files_of_2023_are_marked() -> None:
    models = models_of([file("starcoder.ggmlv3.q4_0.bin"), file("starcoder.Q4_0.gguf", 200)])
    assert [model.is_legacy_ggml for model in models] == [True, False]


@pytest.mark.parametrize(
    "path",
    [
        "", ".", "..", "../m.gguf", "a/../m.gguf", "a/./m.gguf", "/m.gguf", "a//m.gguf", "a/",
        "C:/m.gguf", "C:m.gguf", "m.gguf:stream", "a\\m.gguf", "..\\m.gguf", "\\\\host\\m.gguf",
        "m\n.gguf", "m\0.gguf", "m\x7f.gguf", "nul.gguf", "a/CON/m.gguf", "com1.tar.gguf",
        "LPT\N{SUPERSCRIPT ONE}.gguf", "aux .gguf", "m.gguf.", "m.gguf ", " m.gguf", "m?.gguf",
        "m*.gguf", 'm".gguf', "m|.gguf", "<m>.gguf", "...", "a" * 300 + ".gguf",
        "\N{RIGHT-TO-LEFT OVERRIDE}fugg.exe", "\ud800.gguf", "a/" * 600 + "m.gguf",
    ],
)  # fmt: skip
def test_an_unsafe_path_never_becomes_a_model(path: str) -> None:
    assert not is_safe_path(path)
    assert models_of([file(path)]) == ()


@pytest.mark.parametrize(
    "path",
    ["m.gguf", "a/b/m-Q4_K_M.gguf", "console.gguf", "ünïcødé.gguf", ".hidden/m.gguf", "a b.gguf"],
)
def test_an_ordinary_path_is_safe(path: str) -> None:
    assert is_safe_path(path)


@given(
    st.lists(
        st.tuples(st.text(max_size=40), st.integers(0, 1 << 60), st.sampled_from(["", "a" * 64]))
    )
)
def test_no_list_of_files_breaks_the_grouping(rows: list[tuple[str, int, str]]) -> None:
    files = [
        RemoteFile(path + ending, size, sha) for path, size, sha in rows for ending in ("", ".gguf")
    ]
    for model in models_of(files):
        assert model.size_bytes > 0
        assert all(is_safe_path(part.path) for part in model.files)
