"""A spend limit holds whatever the order in which parallel requests come and end."""

import asyncio
import json
from pathlib import Path

import pytest
from gateway_upstream import Upstream, gateway, upstream
from hypothesis import given
from hypothesis import strategies as st

from shipbench.bundle.schema import Cost, Limits, Usage
from shipbench.gateway.ledger import Ledger, LimitReachedError, Reservation
from shipbench.gateway.totals import Totals, add_usage

worsts = st.builds(Reservation, tokens=st.integers(0, 500), usd=st.floats(0, 2, allow_nan=False))
# Each step either asks for a reservation or ends the request at this place of those under way, with a share of its
# worst case really spent; None where the answer told nothing.
steps = st.lists(st.one_of(worsts, st.tuples(st.integers(0, 20), st.one_of(st.none(), st.floats(0, 1)))), max_size=60)


@given(steps=steps, tokens=st.integers(0, 2_000), usd=st.floats(0, 8, allow_nan=False), requests=st.integers(0, 30))
def test_spent_and_held_never_pass_a_limit(
    steps: list[Reservation | tuple[int, float | None]], tokens: int, usd: float, requests: int
) -> None:
    ledger = Ledger(Limits(tokens=tokens, usd=usd, requests=requests), Totals())
    held: list[Reservation] = []
    spent_usd, sent = 0.0, 0
    for step in steps:
        if isinstance(step, Reservation):
            before = (ledger.held_tokens, ledger.held_usd, ledger.requests)
            try:
                ledger.reserve(step)
            except LimitReachedError:
                assert (ledger.held_tokens, ledger.held_usd, ledger.requests) == before
            else:
                held.append(step)
                sent += 1
        elif held:
            worst = held.pop(step[0] % len(held))
            share = step[1]
            usage = Usage() if share is None else Usage(input=int(worst.tokens * share), output=0)
            cost = Cost() if share is None else Cost(usd=(worst.usd or 0) * share, basis="book")
            ledger.settle(worst, usage, cost)
            spent_usd += (worst.usd or 0) if share is None else (worst.usd or 0) * share
        assert ledger.tokens + ledger.held_tokens <= tokens
        assert spent_usd + sum(worst.usd or 0 for worst in held) <= usd + 1e-6
        assert ledger.requests == sent <= requests
    assert ledger.held_tokens == sum(worst.tokens for worst in held)
    assert ledger.held_usd == pytest.approx(sum(worst.usd or 0 for worst in held), abs=1e-6)


def test_a_dollar_limit_cannot_be_kept_without_a_price() -> None:
    with pytest.raises(LimitReachedError, match="no price is known"):
        Ledger(Limits(usd=100), Totals()).reserve(Reservation(1, None))
    Ledger(Limits(tokens=100), Totals()).reserve(Reservation(1, None))


def test_what_earlier_attempts_spent_counts() -> None:
    spent = Totals(requests=3, usage=Usage(input=60, output=30), known_usd=0.5)
    with pytest.raises(LimitReachedError, match="90 are spent"):
        Ledger(Limits(tokens=100), spent).reserve(Reservation(11, 0.0))
    with pytest.raises(LimitReachedError, match="limit of 3 requests"):
        Ledger(Limits(requests=3), spent).reserve(Reservation(0, 0.0))


numbers = st.one_of(st.none(), st.integers(0, 10**9))
usages = st.builds(Usage, input=numbers, output=numbers, cache_read=numbers, cache_write=numbers, reasoning=numbers)


@given(one=usages, two=usages, three=usages)
def test_sums_of_usage_do_not_depend_on_order_and_keep_the_unknown(one: Usage, two: Usage, three: Usage) -> None:
    assert add_usage(one, two) == add_usage(two, one)
    assert add_usage(add_usage(one, two), three) == add_usage(one, add_usage(two, three))
    assert add_usage(one, Usage()) == one


async def answer(server: Upstream, prompt: int, completion: int, cost: float | None = None) -> None:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion} | ({} if cost is None else {"cost": cost})
    server.pieces = [json.dumps({"model": "gpt-4o", "choices": [], "usage": usage}).encode()]


async def test_totals_are_the_sums_of_the_records(tmp_path: Path) -> None:
    async with upstream() as server, gateway(server.provider(billing="api", book="openai"), tmp_path) as client:
        await answer(server, 1_000, 100)
        await client.ask({"model": "gpt-4o", "messages": []})
        await answer(server, 10, 1, cost=0.25)
        await client.ask({"model": "gpt-4o", "messages": []})
        records = await client.records()
    book = 1_000 * 2.5e-6 + 100 * 10e-6
    assert [(record.cost.usd, record.cost.basis) for record in records] == [
        (pytest.approx(book), "book"),
        (0.25, "provider"),
    ]
    totals = client.wire.totals
    assert (totals.requests, totals.tokens, totals.unknown_usage) == (2, 1_111, 0)
    assert totals.usd == pytest.approx(book + 0.25)
    assert totals == Totals.of(records)
    assert totals.cost.basis == "book"


async def test_parallel_requests_beyond_the_limit_are_answered_402(tmp_path: Path) -> None:
    async with upstream() as server:
        await answer(server, 10, 50)
        server.hold = asyncio.Event()
        async with gateway(server.provider(), tmp_path, Limits(tokens=400)) as client:
            ask = {"model": "m", "messages": [], "max_tokens": 100}
            pending = [asyncio.create_task(client.ask(ask)) for _ in range(8)]
            async with asyncio.timeout(20):
                while len(server.requests) < 3 or sum(task.done() for task in pending) < 5:
                    await asyncio.sleep(0.01)
            server.hold.set()
            answers = await asyncio.gather(*pending)
            records = await client.records()
    assert sorted(status for status, _ in answers) == [200] * 3 + [402] * 5
    refused = json.loads(next(body for status, body in answers if status == 402))
    assert refused["error"]["type"] == "insufficient_quota"
    assert "400 tokens could be passed" in refused["error"]["message"]
    assert len(server.requests) == 3
    assert sum(record.refused == "limit" for record in records) == 5
    assert (client.wire.totals.requests, client.wire.totals.tokens) == (3, 180)
    assert client.wire.limit_reached is not None
