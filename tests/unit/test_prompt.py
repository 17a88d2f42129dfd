"""The prompt: the same bytes each turn, a cut that stays, the last question always."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.engines.tokens import estimated_tokens
from app.generation.prompt import BuiltPrompt, PromptMessage, build

SYSTEM = "Tu es là."
texts = st.text(min_size=1, max_size=60)
conversations = st.lists(st.tuples(texts, texts), min_size=1, max_size=25)
budgets = st.integers(min_value=60, max_value=600)


def branch(exchanges: list[tuple[str, str]]) -> list[PromptMessage]:
    """Questions and answers in turn, numbered as rows are."""
    words = [text for exchange in exchanges for text in exchange]
    return [PromptMessage(10 + place, "assistant" if place % 2 else "user", text) for place, text in enumerate(words)]


def each_turn(exchanges: list[tuple[str, str]], budget: int) -> list[BuiltPrompt]:
    """The prompts of all the conversation's questions."""
    turns = branch(exchanges)
    return [build(SYSTEM, turns[: end + 1], budget) for end in range(0, len(turns), 2)]


@settings(max_examples=60)
@given(conversations, budgets)
def test_each_prompt_begins_with_the_one_before_unless_the_cut_moved(
    exchanges: list[tuple[str, str]], budget: int
) -> None:
    for before, after in pairwise(each_turn(exchanges, budget)):
        assert after.left_out >= before.left_out
        if after.left_out == before.left_out:
            assert after.messages[: len(before.messages)] == before.messages


@settings(max_examples=60)
@given(conversations, budgets)
def test_the_last_question_is_sent_whole_roles_alternate_and_the_rest_fits(
    exchanges: list[tuple[str, str]], budget: int
) -> None:
    for (question, _), prompt in zip(exchanges, each_turn(exchanges, budget), strict=True):
        assert prompt.messages[0] == {"role": "system", "content": SYSTEM}
        assert prompt.messages[-1] == {"role": "user", "content": question}
        roles = [message["role"] for message in prompt.messages[1:]]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        used = sum(estimated_tokens(message["content"]) for message in prompt.messages)
        assert used <= budget or len(roles) == 1


@settings(max_examples=60)
@given(conversations, budgets)
def test_what_is_left_out_is_counted_and_the_first_one_read_is_named(
    exchanges: list[tuple[str, str]], budget: int
) -> None:
    turns = branch(exchanges)
    prompt = build(SYSTEM, turns[:-1], budget)
    kept = turns[prompt.left_out : -1]
    assert [message["content"] for message in prompt.messages[1:]] == [turn.content for turn in kept]
    assert prompt.first_read == (kept[0].id if prompt.left_out else None)


def test_the_cut_stays_for_many_turns() -> None:
    prompts = each_turn([("Une question de taille moyenne ?", "Une réponse de la même taille.")] * 60, 1000)
    cuts = [prompt.left_out for prompt in prompts]
    moves = sum(before != after for before, after in pairwise(cuts))
    assert cuts[-1] > 60
    assert 2 <= moves <= 6


def test_an_answer_to_go_on_with_is_the_last_message() -> None:
    turns = [PromptMessage(1, "user", "Compte."), PromptMessage(2, "assistant", "un, deux")]
    assert build(SYSTEM, turns, 500).messages[-1] == {"role": "assistant", "content": "un, deux"}
    # Nothing was written yet: the question is the last one.
    empty = [turns[0], PromptMessage(2, "assistant", "")]
    assert build(SYSTEM, empty, 500).messages[-1] == {"role": "user", "content": "Compte."}


def test_a_question_without_answer_is_joined_with_the_next_one() -> None:
    turns = [PromptMessage(1, "user", "Un"), PromptMessage(2, "assistant", ""), PromptMessage(3, "user", "Deux")]
    assert build("", turns, 500).messages == ({"role": "user", "content": "Un\n\nDeux"},)


def test_a_question_longer_than_everything_is_sent_alone() -> None:
    turns = branch([("Un", "Une"), ("Deux " * 500, "x")])[:-1]
    prompt = build(SYSTEM, turns, 300)
    assert [message["role"] for message in prompt.messages] == ["system", "user"]
    assert (prompt.left_out, prompt.first_read) == (2, 12)
