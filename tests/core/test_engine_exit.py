"""An engine's end in one sentence, from the exit code and llama.cpp's own words."""

import pytest

from starpad.core.engine_exit import explain_exit, explain_failed_load, telling_line

TRUNCATED = [
    "0.00.000.719 I srv          init: initializing ...",
    "0.00.012.302 E llama_model_load_from_file_impl: failed to load model",
    "0.00.018.098 E llama_model_load: error loading model: tensor 'blk.2' data is not within the "
    "file bounds, model is corrupted or incomplete",
    "0.00.018.627 E srv    load_model: failed to load model, '/tmp/x.gguf'",
]


@pytest.mark.parametrize(
    ("returncode", "words"),
    [
        (-9, "killed, perhaps because memory ran out"),
        (-4, "AVX2"),
        (0xC000001D, "AVX2"),
        (-11, "crashed (SIGSEGV)"),
        (-6, "crashed (SIGABRT)"),
        (-250, "crashed (signal 250)"),
        (3, "exit code 3"),
        (0, "exit code 0"),
    ],
)
def test_an_exit_code_becomes_a_sentence(returncode: int, words: str) -> None:
    assert words in explain_exit(returncode, [])


def test_the_logs_last_words_join_the_sentence() -> None:
    log = ["noise", "/src/ggml.c:22: GGML_ASSERT(n > 0) failed"]
    assert explain_exit(-6, log).endswith(": ggml.c:22: GGML_ASSERT(n > 0) failed.")


def test_the_reason_of_a_failed_load_is_found() -> None:
    assert telling_line(TRUNCATED).startswith("tensor 'blk.2' data is not within the file bounds")


def test_of_a_damaged_header_the_damage_is_told() -> None:
    log = [
        "0.1 E gguf_init_from_reader: alignment 7 is not a power of 2",
        "0.2 E llama_model_load: error loading model: failed to load model from /tmp/x.gguf",
    ]
    assert telling_line(log) == "alignment 7 is not a power of 2"


def test_a_taken_port_is_found() -> None:
    line = (
        "0.00.004.803 E srv         start: couldn't bind HTTP server socket, hostname: h, port: 1"
    )
    assert telling_line([line]) == "couldn't bind HTTP server socket, hostname: h, port: 1"


def test_without_a_known_phrase_the_first_error_is_taken() -> None:
    log = ["0.1 W a: warning", "0.2 E srv  init: first", "0.3 E srv  init: second"]
    assert telling_line(log) == "first"


def test_a_log_without_errors_tells_nothing() -> None:
    assert telling_line(["0.1 I srv  init: all well"]) == ""


@pytest.mark.parametrize(
    "line",
    ["error: invalid argument: --fit", "x: error while loading shared libraries: libvulkan.so.1"],
)
def test_what_stops_a_server_before_its_log_begins_is_found(line: str) -> None:
    assert telling_line(["hello", line]) == line


@pytest.mark.parametrize(
    ("returncode", "line"),
    [
        (-6, "  what():  std::bad_alloc"),
        (-6, "  what():  Resource temporarily unavailable"),
        (127, "cannot allocate memory for thread-local data: ABORT"),
        (-6, "ggml_aligned_malloc: failed to allocate 12.00 MB"),
        (1, "MemoryError"),
    ],
)
def test_memory_that_ran_out_is_said_whatever_the_exit_looks_like(
    returncode: int, line: str
) -> None:
    assert explain_exit(returncode, ["noise", line]) == "The engine ran out of memory."


def test_memory_that_was_short_long_ago_is_not_the_reason_of_an_exit() -> None:
    log = ["failed to allocate a pinned buffer", *["0.1 I srv  init: all well"] * 20]
    assert "memory" not in explain_exit(-11, log)


def test_a_load_that_fails_says_which_port_is_taken_or_that_memory_ran_out() -> None:
    bind = "0.1 E srv  start: couldn't bind HTTP server socket, hostname: h, port: 8123"
    assert explain_failed_load([bind]) == "another program uses port 8123."
    buffer = "0.1 E ggml: failed to allocate buffer of size 99"
    assert explain_failed_load([buffer]) == "memory ran out (failed to allocate buffer of size 99)."
    assert explain_failed_load([]) == ""
