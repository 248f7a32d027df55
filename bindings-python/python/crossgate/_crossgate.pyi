import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar, final

_Any = Literal["*"]
_Text = str | bytes
_Verdict = Literal["allow", "deny"]
# A pair of a response. Both parts have one type, which the pairs of the answer have too.
_Pair = TypeVar("_Pair", tuple[str, str], tuple[bytes, bytes])
_SafetyException = Literal[
    "insecure_origins_with_credentials",
    "public_suffix_subdomains_with_credentials",
    "any_host_of_scheme_with_credentials",
]

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_ASGIApp = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

__all__ = [
    "PUBLIC_SUFFIX_LIST_DATE",
    "ASGIMiddleware",
    "Counters",
    "Decision",
    "NeedsVerdict",
    "Outcome",
    "PathRegex",
    "PendingRequest",
    "Policy",
    "PolicyError",
    "Problem",
    "PythonRegex",
    "Responder",
    "ShadowDifference",
    "ShadowRequest",
    "SharedPolicy",
    "WSGIMiddleware",
    "__version__",
    "unset_option",
]

__version__: str
PUBLIC_SUFFIX_LIST_DATE: str
"""The day of the public-suffix list that patterns and regexes are judged by, like 2026-11-04."""

@final
class PythonRegex:
    """A string that is a regular expression of Python's. flags: letters of `re`'s flags."""

    def __new__(cls, pattern: str, flags: str = "", /) -> PythonRegex: ...
    @property
    def pattern(self) -> str: ...

@final
class PathRegex:
    """A `re.Pattern` for decoded paths, run by the engine in linear time.

    Raises ValueError for what has none: look-around, back references, possessive repeats.
    """

    def __new__(cls, pattern: re.Pattern[str], /) -> PathRegex: ...
    def covers(self, path: str, /) -> bool | None:
        """Whether a match from the start of a path ends where a segment ends, or is the path.

        None: that depends on what this Python knows of characters beyond ASCII. Whoever asks then
        denies.
        """

@final
class Problem:
    """One finding about a configuration."""

    def __new__(
        cls, severity: str, code: str, path: str, value: str, message: str, hint: str | None = None
    ) -> Problem: ...
    @property
    def severity(self) -> Literal["error", "warning", "note"]:
        """ "error" (the policy is not built), "warning" or "note"."""
    @property
    def code(self) -> str:
        """The stable code, like "origin_has_path"."""
    @property
    def path(self) -> str:
        """The place, like "allow_origins[2]". Empty for the document as a whole."""
    @property
    def value(self) -> str:
        """The value found there, escaped and shortened, so that it is safe to log."""
    @property
    def message(self) -> str:
        """What is wrong and why it matters."""
    @property
    def hint(self) -> str | None:
        """The corrected text, or None if there is none."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[Problem], tuple[str, str, str, str, str, str | None]]: ...

class PolicyError(ValueError):
    """A policy was not built.

    `problems` has every problem of the configuration, warnings included; after 1,000 the rest are
    counted in `omitted`. The text shows one on each line.
    """

    problems: tuple[Problem, ...]
    omitted: int

@final
class Policy:
    """A compiled CORS policy. It never changes, and any number of threads may use it at once.

    The keyword arguments are the options of the policy document. A list is a list or tuple of str,
    or any other iterable (a set is sorted, so that every process sends the same headers). "*"
    stands for everything. Raises PolicyError with every problem found.
    """

    def __new__(
        cls,
        *,
        allow_origins: _Any | Iterable[str] = ...,
        allow_origin_regexes: Iterable[str | re.Pattern[str]] = ...,
        allow_null_origin: bool = ...,
        origin_predicate: bool = ...,
        allow_methods: _Any | Iterable[str] = ...,
        allow_headers: _Any | Iterable[str] = ...,
        expose_headers: _Any | Iterable[str] = ...,
        allow_credentials: bool = ...,
        max_age: int | None = ...,
        preflight_status: int = ...,
        denied_preflight_status: int = ...,
        denied_actual: Literal["forward", "reject"] = ...,
        own_origins: Iterable[str] = ...,
        single_origin: Literal["match", "static"] = ...,
        upstream: Literal["replace", "keep", "keep_public"] = ...,
        allow_private_network: bool = ...,
        dangerously_allow: Iterable[_SafetyException] = ...,
    ) -> Policy: ...
    @classmethod
    def from_json(cls, text: str, /) -> Policy:
        """Builds a policy from JSON text."""
    @classmethod
    def from_toml(cls, text: str, /) -> Policy:
        """Builds a policy from TOML text."""
    @classmethod
    def from_file(cls, path: str | os.PathLike[str], /) -> Policy:
        """Builds a policy from a file whose name ends in .json or .toml.

        Raises OSError if the file cannot be read.
        """
    @classmethod
    def from_env(cls, prefix: str, /) -> Policy:
        """Builds a policy from environment variables: PREFIX_ALLOW_ORIGINS and so on.

        Lists are split at commas.
        """
    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that deserve a look, although the policy is built."""
    @property
    def notes(self) -> tuple[Problem, ...]:
        """The findings that need no action."""
    @property
    def omitted_problems(self) -> int:
        """How many warnings and notes were counted and not listed.

        There were more than 1,000.
        """
    @property
    def digest(self) -> str:
        """16 hexadecimal digits that name the meaning of the policy, for logs and metrics.

        Equal policies have equal digests, in every process and language.
        """
    def document(self) -> dict[str, Any]:
        """The canonical document, with every option. A policy built from it is equal to this."""
    def evaluate(
        self, method: _Text, headers: Iterable[tuple[_Text, _Text]], verdict: _Verdict | None = None
    ) -> Decision:
        """Decides about a request.

        headers: an iterable of (name, value) pairs of str or of bytes. verdict: "allow" or "deny",
        what the application says about the origin that `needs_verdict` returned. Raises ValueError
        if there is a verdict and the policy has no `origin_predicate`.
        """
    def needs_verdict(self, method: _Text, headers: Iterable[tuple[_Text, _Text]]) -> str | None:
        """The origin that the application has to judge before `evaluate`, or None."""
    def _constant_headers(self, is_preflight: bool) -> list[tuple[str, str]]:
        """The headers of every allowed request or preflight that do not depend on the request."""
    def _judge(
        self, origin: str, answer: object, private_socket: bool = False, /
    ) -> tuple[bool, str | None]:
        """Whether an answer allows the origin, and what is wrong with it, or None."""
    def denied_name(
        self, method: _Text, headers: Iterable[tuple[_Text, _Text]], reason: str
    ) -> str | None:
        """The method or header name that a preflight was refused for, escaped for a log, or None.

        reason: that of the decision about this request.
        """
    def check_websocket(
        self,
        origin_lines: _Text | Sequence[_Text] | None,
        public: bool = False,
        verdict: _Verdict | None = None,
    ) -> Literal["allow", "deny", "absent"]:
        """Checks the origin of a WebSocket handshake: "absent" means that there is no origin.

        origin_lines: None, a str, bytes, or a sequence of them, one for each Origin line. public:
        the socket serves everybody alike and reads no cookie.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[type[Policy], tuple[()], dict[str, Any]]]: ...

@final
class Decision:
    """The answer to one request."""

    @property
    def kind(self) -> Literal["preflight", "actual", "not_cors"]:
        """What the request is."""
    @property
    def reason(self) -> str:
        """Why the request passed, or the first check that failed, like "origin_not_listed".

        Checks run in the order origin, method, headers.
        """
    @property
    def hit_regex_step_limit(self) -> bool:
        """Whether a regex with look-around ran out of steps, so that it let nobody in."""
    @property
    def action(self) -> Literal["forward", "answer", "reject"]:
        """What the server does.

        "forward" the request to the handler, "answer" it with `status` and no body, or "reject" it
        with 403.
        """
    @property
    def allowed(self) -> bool | None:
        """Whether a CORS request passed.

        None if it is not a CORS request, or comes from one of the server's own origins.
        """
    @property
    def status(self) -> int | None:
        """The status to answer with; None with "forward"."""
    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that the response gets, as pairs of lower-case name and value.

        `apply` puts them there.
        """
    @property
    def remove(self) -> tuple[str, ...]:
        """The lower-case names of the headers that the response loses.

        It has them only if the application or an upstream set them.
        """
    def apply(self, headers: Iterable[_Pair], /) -> list[_Pair]:
        """Returns the response's headers with the decision's set, merged and removed.

        headers: (name, value) pairs of str or of bytes, as the application set them. What is added
        stands at the end, with lower-case names, and has the type of the first pair; without any
        pair it has the type of the request's.
        """
    def overwrites_upstream(self, headers: Iterable[tuple[_Text, _Text]], /) -> bool:
        """Whether `apply` replaces or removes a CORS header of these.

        Then two places set CORS headers.
        """

@final
class SharedPolicy:
    """Holds the current policy, which can be replaced while serving.

    Readers never wait. Each sees the old policy or the new one. A middleware takes it in place of a
    Policy. A document or file with errors raises PolicyError and changes nothing.
    """

    def __new__(cls, policy: Policy, /) -> SharedPolicy: ...
    @property
    def policy(self) -> Policy:
        """The live policy."""
    @property
    def shadow(self) -> Policy | None:
        """The shadow policy, or None."""
    def replace(self, policy: Policy, /) -> None:
        """Replaces the live policy."""
    def replace_document(self, document: Mapping[str, Any], /) -> None:
        """Replaces the live policy by one built from a mapping of options.

        Raises PolicyError with every problem; then the old policy stays.
        """
    def replace_json(self, text: str, /) -> None:
        """Replaces the live policy by one built from JSON text.

        Raises PolicyError with every problem; then the old policy stays.
        """
    def replace_toml(self, text: str, /) -> None:
        """Replaces the live policy by one built from TOML text.

        Raises PolicyError with every problem; then the old policy stays.
        """
    def replace_file(self, path: str | os.PathLike[str], /) -> None:
        """Replaces the live policy by one built from a file, as Policy.from_file does.

        If that raises, the old policy stays.
        """
    def set_shadow(
        self,
        policy: Policy | None,
        on_shadow_difference: Callable[[ShadowDifference, ShadowRequest], object] | None = None,
    ) -> None:
        """Evaluates another policy with every request, to see what it would change.

        on_shadow_difference(difference, request) is called for every request about which the two
        policies differ. `difference` has the decisions `live` and `shadow`; `request` has the
        method and the headers that decide. None ends it.
        """
    def evaluate(
        self, method: _Text, headers: Iterable[tuple[_Text, _Text]], verdict: _Verdict | None = None
    ) -> Decision:
        """Decides about a request as the live policy does.

        Reports a difference of the shadow policy.
        """

@final
class ShadowDifference:
    """What a shadow policy would have decided otherwise."""

    @property
    def live(self) -> Decision:
        """The decision that was acted on."""
    @property
    def shadow(self) -> Decision:
        """The decision of the shadow policy."""

@final
class ShadowRequest:
    """A request about which a shadow policy decides otherwise: what of it decides."""

    @property
    def method(self) -> str:
        """The method."""
    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The lines of the headers that CORS reads, as pairs of lower-case name and value.

        The values are the client's: escape them in logs.
        """

@final
class Counters:
    """Counts decisions by reason. Any number of threads may use it at once."""

    def __new__(cls) -> Counters: ...
    def record(self, decision: Decision, /) -> None:
        """Counts a decision. A middleware that was given the counters counts by itself."""
    def record_overwrote_upstream(self) -> None:
        """Counts a response whose own CORS headers were replaced or removed.

        See `Decision.overwrites_upstream`.
        """
    def get(self, reason: str, /) -> int:
        """The number of decisions with this reason. Raises ValueError for an unknown reason."""
    def as_dict(self) -> dict[str, int]:
        """The number of decisions of every reason."""
    @property
    def overwrote_upstream(self) -> int:
        """The number of responses with CORS headers of the application's own.

        A middleware replaced or removed them.
        """
    @property
    def regex_step_limit(self) -> int:
        """The number of decisions for which a regex with look-around ran out of steps."""
    @property
    def predicate_failed(self) -> int:
        """The number of questions about an origin that the application did not answer."""
    def record_predicate_failed(self) -> None:
        """Counts a question about an origin that the application did not answer.

        Its function raised, took too long, or answered what means nothing.
        """
    def to_prometheus(self) -> str:
        """The counts as Prometheus text."""

class ASGIMiddleware:
    """The native half of crossgate.asgi.CORSMiddleware."""

    def __init__(
        self,
        app: _ASGIApp,
        policy: Policy | SharedPolicy,
        origin_predicate: Callable[[str], bool | Awaitable[bool]] | None,
        verdict_timeout: float | None,
        websocket: bool | Literal["public"],
        counters: Counters | None,
    ) -> None: ...
    @property
    def app(self) -> _ASGIApp:
        """The wrapped application."""
    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
    def _around(self, app: _ASGIApp) -> ASGIMiddleware:
        """A middleware with the same settings around another application."""
    def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> Awaitable[None]: ...

@final
class PendingRequest:
    """An ASGI request that waits for the application's verdict on its origin."""

    def _judge(self, origin: str, answer: object, /) -> tuple[bool, str | None]:
        """Whether an answer allows the origin, and what is wrong with it, or None."""
    def _resume(self, allowed: bool | None, /) -> Awaitable[None]:
        """Goes on with the verdict; None if the application has none."""

def unset_option(path: str, value: str, /) -> Problem | None:
    """The problem of an option that was written and has no value, or None if it needs none."""

class PolicyOptions(TypedDict, total=False):
    """The options of a policy for adapters that take the application's predicate.

    Exists for type checkers only.
    """

    allow_origins: _Any | Iterable[str]
    allow_origin_regexes: Iterable[str | re.Pattern[str]]
    allow_null_origin: bool
    allow_methods: _Any | Iterable[str]
    allow_headers: _Any | Iterable[str]
    expose_headers: _Any | Iterable[str]
    allow_credentials: bool
    max_age: int | None
    preflight_status: int
    denied_preflight_status: int
    denied_actual: Literal["forward", "reject"]
    own_origins: Iterable[str]
    single_origin: Literal["match", "static"]
    upstream: Literal["replace", "keep", "keep_public"]
    allow_private_network: bool
    dangerously_allow: Iterable[_SafetyException]

@final
class Responder:
    """A policy that decides about the requests of WSGI environs and of Django's request.META."""

    def __new__(
        cls,
        policy: Policy | SharedPolicy,
        lower: bool = False,
        origin_predicate: Callable[[str], bool] | None = None,
        counters: Counters | None = None,
    ) -> Responder:
        """lower: header names in lower case. origin_predicate: gives verdicts."""
    def is_like(self, other: Responder) -> bool:
        """Whether two responders decide alike, now and later."""
    def begin(self, environ: dict[str, Any]) -> Outcome | NeedsVerdict:
        """Decides about the request of an environ, or says which origin needs a verdict first.

        Never raises for a value of the environ.
        """
    def decide(self, environ: dict[str, Any]) -> Outcome:
        """Decides about the request of an environ. Asks the predicate if that is needed.

        Never raises for a value of the environ.
        """

@final
class NeedsVerdict:
    """A request that waits for the application's verdict on its origin."""

    @property
    def origin(self) -> str:
        """The origin in question."""
    def resume(self, allowed: bool) -> Outcome:
        """The decision with this verdict."""

@final
class Outcome:
    """A responder's decision about one request."""

    @property
    def status(self) -> int:
        """The status to answer with before the application runs; 0 if it runs."""
    def apply(self, headers: list[tuple[str, str]], /) -> list[tuple[str, str]]:
        """A new list of a response's headers with the decision's set, merged and removed."""
    def write(self, store: dict[str, tuple[str, str]], /) -> None:
        """The same in place, in the dict in which Django keeps a response's headers."""

class WSGIMiddleware:
    """The native half of crossgate.wsgi.CORSMiddleware."""

    def __init__(
        self,
        app: Callable[..., Any],
        responder: Responder | None = None,
        _select: Callable[[dict[str, Any]], Responder | None] | None = None,
        _select_options: Callable[[dict[str, Any]], Responder | None] | None = None,
        _select_late: Callable[[], Responder | None] | None = None,
        _routed: bool = False,
    ) -> None:
        """The private parameters find the responder of a request: see `_configure`."""
    def _configure(
        self,
        responder: Responder | None = None,
        _select: Callable[[dict[str, Any]], Responder | None] | None = None,
        _select_options: Callable[[dict[str, Any]], Responder | None] | None = None,
        _select_late: Callable[[], Responder | None] | None = None,
        _routed: bool = False,
    ) -> None:
        """Changes how the responder is found, from the next request on.

        _select(environ) names the responder, _select_options(environ) that of OPTIONS, and
        _select_late() that of the route. With _routed the route may put one into the environ.
        """
    @property
    def app(self) -> Any:
        """The wrapped application."""
    def __call__(self, environ: dict[str, Any], start_response: Any, /) -> Iterable[bytes]: ...
