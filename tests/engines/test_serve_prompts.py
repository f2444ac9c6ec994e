"""The prompts of other programs, with the real tokenizer: user text stays text."""

from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from every_engine import RunningEngine, running
from starpad.engines.caret_priority import CaretPriority
from starpad.engines.openai_api import ApiError
from starpad.engines.serve_model import ServedModel
from starpad.engines.serve_prompts import completion_prompt, framed, infill_prompt
from starpad.engines.serve_protocol import Upstream

T = TypeVar("T")
CODE, REST = "def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    with running("llama", tmp_path_factory.mktemp("model")) as engine:
        yield engine


@pytest.fixture
def served(engine: RunningEngine) -> Callable[[Callable[[ServedModel], Awaitable[T]]], T]:
    def run(job: Callable[[ServedModel], Awaitable[T]]) -> T:
        async def main() -> T:
            upstream = Upstream(engine.client.base_url, engine.client.key, engine.model)
            model = ServedModel(upstream, CaretPriority())
            try:
                async with model:
                    return await job(model)
            finally:
                await model.leave()

        return engine.run(main())  # asyncio.run would take the loop's child watcher away

    return run


def specials(engine: RunningEngine) -> tuple[int, int, int]:
    fim = engine.model.fim
    assert fim is not None
    return fim.prefix, fim.suffix, fim.middle


def test_a_suffix_becomes_a_gap_by_ids_with_the_text_before_it_last(
    engine: RunningEngine, served: Callable[..., tuple[int, ...]]
) -> None:
    ids = served(lambda m: completion_prompt(m, {"prompt": CODE, "suffix": REST}))
    prefix, suffix, middle = specials(engine)
    before = engine.run(engine.client.tokenize(CODE))
    after = engine.run(engine.client.tokenize(REST))
    assert ids == (prefix, suffix, *after, middle, *before)


@pytest.mark.parametrize(
    "frame",
    [
        f"<fim_prefix>{CODE}<fim_suffix>{REST}<fim_middle>",
        f"<fim_prefix><fim_suffix>{REST}<fim_middle>{CODE}",
        f"<|fim_prefix|>{CODE}<|fim_suffix|>{REST}<|fim_middle|>",
        f"<fim-prefix>{CODE}<fim-suffix>{REST}<fim-middle>",
    ],
)
def test_a_frame_written_as_text_is_the_same_prompt(
    frame: str, served: Callable[..., tuple[int, ...]]
) -> None:
    by_text = served(lambda m: completion_prompt(m, {"prompt": frame}))
    by_fields = served(lambda m: completion_prompt(m, {"prompt": CODE, "suffix": REST}))
    assert by_text == by_fields


@pytest.mark.parametrize(
    "text",
    [
        "print('<fim_middle>')",
        "<fim_prefix>only the beginning",
        "text, then <fim_prefix>a<fim_suffix>b<fim_middle>",
        "<|endoftext|>",
        "<repo_name>x<file_sep>y",
    ],
)
def test_names_of_special_tokens_in_text_are_text(
    text: str, engine: RunningEngine, served: Callable[..., tuple[int, ...]]
) -> None:
    ids = served(lambda m: completion_prompt(m, {"prompt": text}))
    assert engine.model.stop_ids.isdisjoint(ids)
    gap = served(lambda m: completion_prompt(m, {"prompt": text, "suffix": text}))
    inside = [token for token in gap if token in engine.model.stop_ids]
    assert sorted(inside) == sorted(specials(engine))


def test_token_ids_and_lists_of_one_are_taken(served: Callable[..., tuple[int, ...]]) -> None:
    assert served(lambda m: completion_prompt(m, {"prompt": [5, 6]})) == (5, 6)
    assert served(lambda m: completion_prompt(m, {"prompt": [[5, 6]]})) == (5, 6)
    one = served(lambda m: completion_prompt(m, {"prompt": [CODE]}))
    assert one == served(lambda m: completion_prompt(m, {"prompt": CODE}))


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": ""},
        {"prompt": []},
        {"prompt": ["a", "b"]},
        {"prompt": [1, "b"]},
        {"prompt": [-1]},
        {"prompt": {"a": 1}},
        {"prompt": "a", "suffix": 5},
        {"prompt": [1, 2], "suffix": "b"},
    ],
)
def test_other_prompts_are_refused(
    body: dict[str, object], served: Callable[..., tuple[int, ...]]
) -> None:
    with pytest.raises(ApiError) as refusal:
        served(lambda m: completion_prompt(m, body))
    assert refusal.value.status == 400


@pytest.mark.parametrize("text", ["x " * 3000, "x" * 10_000_000])
def test_a_prompt_that_is_too_long_is_refused_as_openai_does(
    text: str, served: Callable[..., tuple[int, ...]]
) -> None:
    with pytest.raises(ApiError) as refusal:
        served(lambda m: completion_prompt(m, {"prompt": text}))
    assert refusal.value.code == "context_length_exceeded"


def test_line_ends_of_windows_and_halves_of_characters_do_no_harm(
    served: Callable[..., tuple[int, ...]],
) -> None:
    windows = served(lambda m: completion_prompt(m, {"prompt": "a\r\nb"}))
    assert windows == served(lambda m: completion_prompt(m, {"prompt": "a\nb"}))
    assert served(lambda m: completion_prompt(m, {"prompt": "a\ud800b"}))


def test_an_infill_request_takes_llama_cpps_fields_together(
    engine: RunningEngine, served: Callable[..., object]
) -> None:
    body = {"input_prefix": "import os\n", "prompt": "def f(", "input_suffix": "):\n"}
    prompt = served(lambda m: infill_prompt(m, body, 16))
    expected = served(
        lambda m: completion_prompt(m, {"prompt": "import os\ndef f(", "suffix": "):\n"})
    )
    assert getattr(prompt, "ids", None) == expected


def test_other_files_stand_before_the_gap_and_stay_the_same(
    engine: RunningEngine, served: Callable[..., object]
) -> None:
    files = [{"filename": "a.py", "text": "A = 1\n"}, {"filename": "b.py", "text": "B = 2"}]
    bodies = [
        {"input_prefix": "x = ", "prompt": more, "input_suffix": "\n", "input_extra": files}
        for more in ("", "A")
    ]
    first, second = (
        getattr(served(lambda m, b=body: infill_prompt(m, b, 16)), "ids", ()) for body in bodies
    )
    a, b = (engine.run(engine.client.tokenize(t)) for t in ("a.py\nA = 1\n", "b.py\nB = 2\n"))
    text = ",".join(map(str, first))
    assert ",".join(map(str, a)) in text
    assert text.index(",".join(map(str, a))) < text.index(",".join(map(str, b)))
    assert text.index(",".join(map(str, b))) < text.index(f",{specials(engine)[1]},")
    assert second[: len(first) - 2] == first[:-2]  # the last word is another token


def test_what_does_not_fit_is_left_out_from_far_to_near(served: Callable[..., object]) -> None:
    files = [{"filename": f"{n}.py", "text": f"v{n} = {n}\n" * 100} for n in range(9)]
    body = {"input_prefix": "y\n" * 4000 + "near", "input_suffix": "after" + "\nz" * 4000}
    long = served(lambda m: infill_prompt(m, body | {"input_extra": files}, 64))
    assert getattr(long, "is_truncated", False)
    assert len(getattr(long, "ids", ())) <= 1023 - 64
    some = served(lambda m: infill_prompt(m, {"prompt": "x", "input_extra": files}, 64))
    assert getattr(some, "is_truncated", False)
    assert len(getattr(some, "ids", ())) < 1023 - 64


def test_a_frame_is_the_whole_text_or_none() -> None:
    assert framed("x<fim_prefix>a<fim_suffix>b<fim_middle>") is None
    gap = framed("<fim_prefix>a<fim_suffix>b<fim_middle>")
    assert gap is not None
    assert (gap.before, gap.after) == ("a", "b")
