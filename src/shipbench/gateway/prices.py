"""What an exchange costs: the provider's own figure first, then the price book, else unknown, with the reason."""

from datetime import UTC, datetime
from typing import Literal

from shipbench.bundle.schema import Cost, Usage

Billing = Literal["api", "subscription", "free", "local"]

# A completion's length where the request sets none: what the agents' usual models can write at most in one answer.
DEFAULT_OUTPUT = 32_768
# Prompts are code and prose at 3.5 to 4.5 bytes a token; the estimate stays on the safe side.
BYTES_PER_TOKEN = 3

NOTHING_SOLD = Usage(input=0, output=0)


def nothing_sold(why: str) -> Cost:
    """Of an exchange in which no token was sold: a known zero."""
    return Cost(usd=0.0, basis="book", note=why)


def cost_of(
    usage: Usage, reported: float | None, model: str | None, billing: Billing, book: str | None, at: float
) -> Cost:
    """The cost of an answer at Unix time `at`. `reported` is the provider's own figure, `book` its name in the book."""
    if reported is not None:
        return Cost(usd=reported, basis="provider")
    if billing in ("free", "local"):
        return Cost(usd=0.0, basis="provider", note=f"billing is {billing}")
    if usage.input is None or usage.output is None:
        return Cost(note="the answer carried no usage")
    usd = book_price(usage, model, book, at)
    if usd is None:
        return Cost(note=f"the price book has no model {model!r} at provider {book!r}")
    return Cost(
        usd=usd, basis="book", note="a subscription: what the API would cost" if billing == "subscription" else ""
    )


def worst_case(prompt_bytes: int, max_output: int | None) -> Usage:
    """The most that a request can use: every prompt byte fresh, every allowed completion token written."""
    return Usage(input=-(-prompt_bytes // BYTES_PER_TOKEN), output=DEFAULT_OUTPUT if max_output is None else max_output)


def book_price(usage: Usage, model: str | None, book: str | None, at: float) -> float | None:
    """US dollars by the carried price book at the moment `at`, None where it does not know the provider's model."""
    if model is None or book is None:
        return None
    import genai_prices  # half a second to import, so only where money is involved

    tokens = {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cache_read or None,
        "cache_write_tokens": usage.cache_write or None,
    }
    try:
        price = genai_prices.calc_price(
            genai_prices.Usage(**tokens),
            model,
            provider_id=book,
            genai_request_timestamp=datetime.fromtimestamp(at, UTC),
        )
    except (LookupError, ValueError):  # unknown model; cached tokens that exceed the prompt
        return None
    return float(price.total_price)
