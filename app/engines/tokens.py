"""Estimates of how many tokens a text has, without the model's own tokenizer."""

import re
from collections.abc import Sequence
from typing import Any

# Cautious for French and its neighbours: UTF-8 bytes per token of words, and tokens that a chat template adds to each
# message.
BYTES_PER_TOKEN = 3
TOKENS_PER_MESSAGE = 8
# Those of a picture, unless the model is known to need fewer: Ollama has Qwen's models read so many at least.
TOKENS_PER_IMAGE = 1024
# Digits and signs, and the white space before them, are mostly a token each.
DENSE = re.compile(r"[^\w\s]|[\d_]|\s(?=[^\w\s]|[\d_])")


def estimated_tokens(text: str) -> int:
    """Estimate a message's tokens; the same for the same text, so that the history is always cut at the same place."""
    return text_tokens(text) + TOKENS_PER_MESSAGE


def text_tokens(text: str) -> int:
    """Estimate the tokens of a part of a message."""
    size, dense = len(text.encode(errors="replace")), len(DENSE.findall(text))
    return (size + (BYTES_PER_TOKEN - 1) * dense) // BYTES_PER_TOKEN


def total_tokens(messages: Sequence[dict[str, Any]]) -> int:
    """Estimate the tokens of these messages and of their pictures."""
    pictures = sum(len(message.get("images", ())) for message in messages)
    return sum(estimated_tokens(message["content"]) for message in messages) + pictures * TOKENS_PER_IMAGE
