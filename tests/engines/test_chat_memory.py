"""A prompt takes over ids as far as the text is the same, and never more."""

import asyncio

from starpad.engines.chat_memory import BREAK, PromptMemory, special


class Words:
    """Makes a token of every character; remembers what it was asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.inside: list[bool] = []

    async def tokenize(self, text: str, is_inside: bool) -> list[int]:
        self.texts.append(text)
        self.inside.append(is_inside)
        return [ord(character) for character in text]


def follow(memory: PromptMemory, key: str) -> tuple[list[int], list[str], int]:
    """Return the ids, what had to be tokenized for them, and how many are held."""
    words = Words()
    found = asyncio.run(memory.continued(key, words.tokenize))
    return found.ids, words.texts, found.held_tokens


def asked(key: str) -> PromptMemory:
    memory = asyncio.run(PromptMemory().continued(key, Words().tokenize))
    memory.held_tokens = len(memory.ids)
    return memory


def test_special_tokens_keep_their_ids_and_text_between_them_is_one_piece() -> None:
    ids, texts, _ = follow(PromptMemory(), special(7) + "ab" + special(8) + special(9) + "c")
    assert ids == [7, 97, 98, 8, 9, 99]
    assert texts == ["ab", "c"]


def test_a_break_parts_the_text_and_is_no_token() -> None:
    ids, texts, _ = follow(PromptMemory(), f"a{BREAK}b")
    assert (ids, texts) == ([97, 98], ["a", "b"])


def test_generated_ids_are_taken_over_and_only_the_rest_is_tokenized() -> None:
    memory = asked("Q")
    memory.add("one", (1001,), 1)
    memory.add(" two", (1002, 1003), 3)
    ids, texts, held = follow(memory, "Qone two!")
    assert (ids, texts, held) == ([81, 1001, 1002, 1003, 33], ["!"], 4)


def test_an_answer_that_was_shortened_is_taken_over_up_to_the_last_whole_token() -> None:
    memory = asked("Q")
    memory.add("one", (1001,), 1)
    memory.add(".\n\n", (1002,), 2)
    ids, texts, held = follow(memory, "Qone. Next")
    assert (ids, texts) == ([81, 1001, *map(ord, ". Next")], [". Next"])
    assert held == 2


def test_text_that_was_held_back_belongs_to_all_ids_that_came_with_it() -> None:
    memory = asked("Q")
    memory.add("", (1001,), 1)
    memory.add("\nHu", (1002,), 2)
    assert follow(memory, "Q\nHu!")[0] == [81, 1001, 1002, 33]
    assert follow(memory, "Q\nHello")[0] == [81, *map(ord, "\nHello")]


def test_what_was_never_sent_is_not_taken_over() -> None:
    memory = asked("Q")
    memory.add("a", (1001,), 1)
    memory.add("", (1002,), 2)
    assert follow(memory, "Qa\nb")[0] == [81, 1001, *map(ord, "\nb")]


def test_a_character_whose_first_tokens_are_missing_is_tokenized_by_itself() -> None:
    memory = asked("Q")
    memory.add("a", (1001,), 1)
    memory.add("é", (1003,), 3)
    memory.add("b", (1004,), 4)
    ids, texts, _ = follow(memory, "Qaéb!")
    assert (ids, texts) == ([81, 1001, 233, 1004, 33], ["é", "!"])


def test_a_stop_text_that_began_inside_a_token_leaves_that_token_out() -> None:
    memory = asked("Q")
    memory.add("one", (1001,), 1)
    memory.add(".", (1002,), 2)  # it spells ".\nHuman:"
    memory.end_inside_token()
    assert follow(memory, "Qone.!")[0] == [81, 1001, *map(ord, ".!")]


def test_an_edited_question_starts_from_before_it() -> None:
    memory = asked(special(5) + "old" + special(6))
    ids, texts, held = follow(memory, special(5) + "odd" + special(6))
    assert (ids, texts, held) == ([5, *map(ord, "odd"), 6], ["odd"], 2)


def test_the_same_prompt_again_is_not_tokenized_at_all() -> None:
    memory = asked("Q" + special(6))
    memory.add("answer", (1001,), 1)
    assert follow(memory, "Q" + special(6)) == ([81, 6], [], 2)


def test_of_a_prompt_that_was_not_read_to_its_end_only_that_much_is_held() -> None:
    memory = asked("question")
    memory.held_tokens = 3
    assert follow(memory, "question")[2] == 3


def test_it_is_known_which_text_goes_on_from_other_text() -> None:
    memory = asked("Q")
    memory.add("a", (1001,), 1)
    words = Words()
    key = f"Qab{BREAK}c{special(5)}d"
    asyncio.run(memory.continued(key, words.tokenize))
    assert (words.texts, words.inside) == (["b", "c", "d"], [True, True, False])
