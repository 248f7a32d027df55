"""What receivers of check_request_enabled return: only True allows, also where it is awaited."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any

import pytest
from crossgate import Counters
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from test_django import EVIL, allowed, ask, both, check_request_enabled

pytestmark = pytest.mark.filterwarnings("error")


async def coroutine_function(answer: Any, **_: Any) -> Any:
    await asyncio.sleep(0)
    return answer


class AsyncCallable:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def __call__(self, **_: Any) -> Any:
        await asyncio.sleep(0)
        return self.answer


def plain(answer: Any) -> Callable[..., Any]:
    return lambda **_: answer


def async_def(answer: Any) -> Callable[..., Any]:
    async def receiver(**_: Any) -> Any:
        await asyncio.sleep(0)
        return answer

    return receiver


def wrapper(answer: Any) -> Callable[..., Any]:
    inner = async_def(answer)
    return lambda **given: inner(**given)


def partial(answer: Any) -> Callable[..., Any]:
    return functools.partial(coroutine_function, answer)


class Awaitable:
    """What is awaitable and no coroutine."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        return self.answer


def awaitable(answer: Any) -> Callable[..., Any]:
    return lambda **_: Awaitable(answer)


RECEIVERS = [plain, async_def, AsyncCallable, wrapper, partial, awaitable]


def asked(receiver: Any, is_async: bool, **settings: Any) -> tuple[str | None, int]:
    """Who is allowed, and how often an answer meant nothing."""
    counters = Counters()
    check_request_enabled.connect(receiver, weak=False)
    try:
        with override_settings(
            CORS_ALLOW_CREDENTIALS=True, CROSSGATE_COUNTERS=counters, **settings
        ):
            response = ask(origin=EVIL, is_async=is_async)
    finally:
        check_request_enabled.disconnect(receiver)
    assert response.status_code == 200
    return allowed(response), counters.predicate_failed


@both
@pytest.mark.parametrize("make", RECEIVERS)
def test_false_and_none_deny(make: Any, is_async: bool) -> None:
    assert asked(make(False), is_async) == (None, 0)
    assert asked(make(None), is_async) == (None, 0)


@both
@pytest.mark.parametrize("make", RECEIVERS)
def test_true_allows(make: Any, is_async: bool) -> None:
    assert asked(make(True), is_async) == (EVIL, 0)


@both
@pytest.mark.parametrize("make", RECEIVERS)
@pytest.mark.parametrize("answer", [1, "true", EVIL, [True], [EVIL], object(), 0, "", ()])
def test_what_is_not_true_denies_and_is_told(
    make: Any, answer: Any, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert asked(make(answer), is_async) == (None, 1)
    assert f"returned a value of type {type(answer).__name__}" in caplog.text


def broken(**_: Any) -> bool:
    raise RuntimeError("the table of tenants is away")


async def broken_later(**_: Any) -> bool:
    raise RuntimeError("the table of tenants is away")


@both
@pytest.mark.parametrize("receiver", [broken, broken_later, lambda **_: broken_later()])
def test_what_fails_denies_and_is_told(
    receiver: Any, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "crossgate")
    assert asked(receiver, is_async) == (None, 1)
    assert "the table of tenants is away" in caplog.text


@both
def test_an_awaited_answer_has_its_time(is_async: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def never() -> bool:
        await asyncio.sleep(3600)
        return True

    async def receiver(**_: Any) -> bool:
        return await never()

    for one in (lambda **_: never(), receiver):
        caplog.clear()
        assert asked(one, is_async, CORS_VERDICT_TIMEOUT=0.01) == (None, 1)
        assert "no answer within 0.01 seconds" in caplog.text


@pytest.mark.parametrize("seconds", [0, -1, "5", True, None])
def test_the_time_is_a_number_of_seconds(seconds: Any) -> None:
    with (
        pytest.raises(ImproperlyConfigured, match="CORS_VERDICT_TIMEOUT must be a number"),
        override_settings(CORS_VERDICT_TIMEOUT=seconds),
    ):
        ask()


@both
def test_every_receiver_is_heard(is_async: bool) -> None:
    """One that allows does not leave the coroutine of the next one behind."""
    first, second = plain(True), wrapper(False)
    check_request_enabled.connect(first, weak=False)
    check_request_enabled.connect(second, weak=False)
    try:
        assert allowed(ask(origin=EVIL, is_async=is_async)) == EVIL
    finally:
        check_request_enabled.disconnect(first)
        check_request_enabled.disconnect(second)
