"""The built-in list of known models, with a description, sizes and abilities for each."""

import re
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import lazy_gettext as _l

from app.engines.base import Model
from app.engines.tokens import TOKENS_PER_IMAGE

BUILT_IN_DEFAULT = "phi3:mini"
DEMO = "smollm2:135m"
MB = 10**6

SEES = _l("Sees pictures.")
REREADS = _l("Sees pictures; reads the whole conversation again for each answer.")
# For each: name, label, strengths, size of the file, RAM for the weights and the KV cache of 4,096 tokens; 0 if it is
# not known.
CATALOGUE = {
    model.name: model
    for model in (
        Model(
            "phi3:mini", "Phi-3 mini", _l("Lively and light: mails, summaries, short questions."), 2200 * MB, 3700 * MB
        ),
        Model("mistral", "Mistral 7B", _l("The best French of the list, slower."), 4100 * MB, 4700 * MB),
        Model(
            "deepseek-r1:1.5b",
            "DeepSeek-R1 1.5B",
            _l("Can think before answering: small problems, step by step."),
            1100 * MB,
            1300 * MB,
            thinking=True,
        ),
        Model(
            "gemma3:4b",
            "Gemma 3 4B",
            _l("Careful texts and many languages; sees pictures."),
            3300 * MB,
            4200 * MB,
            vision=True,
        ),
        Model("gemma3n:e4b", "Gemma 3n E4B", _l("Careful texts, made for modest machines."), 7500 * MB, 8000 * MB),
        Model("deepseek-coder:6.7b", "DeepSeek Coder 6.7B", _l("Code and scripts."), 3800 * MB, 6000 * MB, coding=True),
        Model("ministral-3:3b", "Ministral 3 3B", _l("Sees pictures; French is among its languages."), vision=True),
        Model("qwen3-vl:2b", "Qwen3-VL 2B", SEES, 1900 * MB, vision=True),
        Model("qwen3-vl:4b", "Qwen3-VL 4B", SEES, 3300 * MB, vision=True),
        Model("qwen3.5:2b", "Qwen3.5 2B", REREADS, 2700 * MB, vision=True, thinking=True),
        Model("qwen3.5:4b", "Qwen3.5 4B", REREADS, 3400 * MB, vision=True, thinking=True),
        Model("gemma4:e2b", "Gemma 4 E2B", SEES, 7200 * MB, vision=True, thinking=True),
        Model("gemma4:e4b", "Gemma 4 E4B", SEES, 9600 * MB, vision=True, thinking=True),
        Model("granite4:3b", "Granite 4 3B", _l("Made by IBM for companies."), 2100 * MB),
        Model("phi4-mini", "Phi-4 mini", _l("The successor of Phi-3 mini."), 2500 * MB),
        Model(DEMO, "SmolLM2 135M", _l("Small demonstration model: quick, writes English only."), 98 * MB, 400 * MB),
    )
}


@dataclass(frozen=True, slots=True)
class AskedWith:
    """How a model is best asked, where the settings for all models do not suit it."""

    system_prompt: str
    temperature: float
    repeat_penalty: float


# Tried with SmolLM2 135M: a prompt in French, or one that names French, makes it write what looks like French; freer
# choice of words makes it ramble, and without a penalty it repeats itself.
ENGLISH = "You are a friendly assistant. You answer in English, in a few short and clear sentences."
ASKED_WITH = {DEMO: AskedWith(ENGLISH, temperature=0.2, repeat_penalty=1.1)}


def same_model(one: str, other: str) -> bool:
    """Return True if both names mean the same model; a name without a tag means `:latest`."""
    return one.removesuffix(":latest") == other.removesuffix(":latest")


def described(name: str, **facts: Any) -> Model:
    """Return the model with the engine's `facts`, completed from the list; the engine's facts win."""
    known_facts: dict[str, Any] = {fact: value for fact, value in facts.items() if value is False or value}
    known = next((model for model in CATALOGUE.values() if same_model(model.name, name)), None)
    return replace(known or Model(name, label=name.removesuffix(":latest")), name=name, **known_facts)


# Models of which Google says that each picture takes them 256 tokens; those called 3n see none in Ollama.
FEW_TOKENS, FEW_TOKENS_PER_IMAGE = re.compile(r"gemma-?3(?!n)", re.IGNORECASE), 256


def image_tokens(model: Model) -> int:
    """Return the tokens that a picture takes this model, estimated; 0 if it sees none."""
    if not model.vision:
        return 0
    return FEW_TOKENS_PER_IMAGE if FEW_TOKENS.search(model.name) else TOKENS_PER_IMAGE


def quickest_with_vision() -> Model:
    """Return the model of the catalogue that reads a picture in the least time, of several the smallest."""
    known = [model for model in CATALOGUE.values() if model.vision and model.size_bytes]
    return min(known, key=lambda model: (image_tokens(model), model.size_bytes))


def size_label(weights: int) -> str:
    """Return a number of weights as models' names have it, such as "3.8B"; "" if it is unknown."""
    if weights >= 1e9:
        return f"{weights / 1e9:.1f}B"
    return f"{weights / 1e6:.0f}M" if weights else ""
