import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar, final

_Any = Literal["*"]
_Text = str | bytes
_Verdict = Literal["allow", "deny"]
# A pair of a response; both parts of one type, so that the answer's pairs are of it too.
_Pair = TypeVar("_Pair", tuple[str, str], tuple[bytes, bytes])
_Gate = Literal[
    "insecure_origins_with_credentials",
    "public_suffix_subdomains_with_credentials",
    "any_host_of_scheme_with_credentials",
]

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_ASGIApp = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

__all__ = [
    "ASGIMiddleware",
    "Answer",
    "Counters",
    "Decision",
    "Gate",
    "Policy",
    "PolicyError",
    "Problem",
    "SharedPolicy",
    "Wsgi",
    "__version__",
]

__version__: str

@final
class Problem:
    """One finding about a configuration."""

    def __new__(
        cls, severity: str, code: str, path: str, value: str, message: str, hint: str | None = None
    ) -> Problem: ...
    @property
    def severity(self) -> Literal["error", "warning"]:
        """ "error": the policy is not built; or "warning"."""
    @property
    def code(self) -> str:
        """What it is, like "origin_has_path". Codes never change."""
    @property
    def path(self) -> str:
        """Where, like "allow_origins[2]"; empty for the document as a whole."""
    @property
    def value(self) -> str:
        """The value found there, escaped and shortened: safe to log."""
    @property
    def message(self) -> str:
        """What is wrong and why it matters."""
    @property
    def hint(self) -> str | None:
        """The corrected text, where one exists."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[Problem], tuple[str, str, str, str, str, str | None]]: ...

class PolicyError(ValueError):
    """A policy was not built.

    `problems` holds every finding of one pass, warnings included; the text shows each on a line of its own.
    """

    problems: tuple[Problem, ...]

@final
class Policy:
    """A compiled CORS policy: immutable, and free to be used by any number of threads.

    The keyword arguments are the options of the policy document. Lists are lists or tuples of str, or any other
    iterable (a set is sorted, so that every process sends the same headers); "*" stands for everything.
    Raises PolicyError with every problem found.
    """

    def __new__(
        cls,
        *,
        allow_origins: _Any | Iterable[str] = ...,
        allow_origin_regexes: Iterable[str] = ...,
        allow_null_origin: bool = ...,
        host_origins: bool = ...,
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
        upstream: Literal["replace", "keep"] = ...,
        allow_private_network: bool = ...,
        dangerously_allow: Iterable[_Gate] = ...,
    ) -> Policy: ...
    @classmethod
    def from_json(cls, text: str, /) -> Policy:
        """Builds a policy from JSON text."""
    @classmethod
    def from_toml(cls, text: str, /) -> Policy:
        """Builds a policy from TOML text."""
    @classmethod
    def from_file(cls, path: str | os.PathLike[str], /) -> Policy:
        """Builds a policy from a file whose name ends in .json or .toml. Raises OSError if it cannot be read."""
    @classmethod
    def from_env(cls, prefix: str, /) -> Policy:
        """Builds a policy from environment variables: PREFIX_ALLOW_ORIGINS, PREFIX_MAX_AGE, and so on.

        Lists are split at commas.
        """
    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is worth a look, though the policy is built."""
    def document(self) -> dict[str, Any]:
        """The canonical document: every option. A policy built from it is equal to this one."""
    def evaluate(
        self, method: _Text, headers: Iterable[tuple[_Text, _Text]], verdict: _Verdict | None = None
    ) -> Decision:
        """Decides about a request.

        headers: an iterable of (name, value) pairs of str or of bytes. verdict: "allow" or "deny", what the host says
        of the origin that asks_host names; only for policies with host_origins.
        """
    def asks_host(self, method: _Text, headers: Iterable[tuple[_Text, _Text]]) -> str | None:
        """The origin that the host is asked about before evaluate, or None."""
    def check_websocket(
        self, origin_lines: _Text | Sequence[_Text] | None, public: bool = False, verdict: _Verdict | None = None
    ) -> Literal["allow", "deny", "absent"]:
        """Checks the origin of a WebSocket handshake: "allow", "deny", or "absent" if there is none.

        origin_lines: None, a str, bytes, or a sequence of them, one for each Origin line. public: the socket serves
        everybody alike and reads no cookie.
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
        """Why, like "origin_not_listed": the first failing check in the order origin, method, headers."""
    @property
    def action(self) -> Literal["forward", "answer", "reject"]:
        """What the host does: "forward" to the handler, "answer" with the status and no body, "reject" with 403."""
    @property
    def allowed(self) -> bool | None:
        """Whether a CORS request passed; None for a request that is not one, or that is the server's own."""
    @property
    def status(self) -> int | None:
        """The status to answer with; None with "forward"."""
    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that the response gets: pairs of lower-case name and value. apply() puts them there."""
    @property
    def remove(self) -> tuple[str, ...]:
        """The headers that the response loses if the application or an upstream set them: lower-case names."""
    def apply(self, headers: Iterable[_Pair], /) -> list[_Pair]:
        """A new list of the response's headers with the decision's set, merged and removed.

        headers: (name, value) pairs of str or of bytes, as the application set them. What is added is of the same type,
        lower-case and at the end; with no header at all it is of the request's.
        """
    def overwrites_upstream(self, headers: Iterable[tuple[_Text, _Text]], /) -> bool:
        """Whether apply replaces or removes something that these headers say about CORS: two places answer for it."""

@final
class SharedPolicy:
    """A policy that is replaced while serving. Whoever reads it never waits, and sees the old policy or the new one.

    A middleware takes it in place of a Policy. A document or file that is wrong raises PolicyError and changes nothing.
    """

    def __new__(cls, policy: Policy, /) -> SharedPolicy: ...
    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
    @property
    def shadow(self) -> Policy | None:
        """The policy that is evaluated beside it, or None."""
    def replace(self, policy: Policy, /) -> None:
        """Replaces the policy."""
    def replace_document(self, document: Mapping[str, Any], /) -> None:
        """Builds the policy anew from a mapping of options.

        Raises PolicyError with every problem; the old one stays then.
        """
    def replace_file(self, path: str | os.PathLike[str], /) -> None:
        """Builds the policy anew from a file, as Policy.from_file does. If that raises, the old one stays."""
    def set_shadow(
        self, policy: Policy | None, on_difference: Callable[[Decision, Decision], object] | None = None
    ) -> None:
        """Evaluates another policy beside the live one, to see what it would change.

        on_difference(live, shadow) is called with both decisions of every request on which they differ. None ends it.
        """
    def evaluate(
        self, method: _Text, headers: Iterable[tuple[_Text, _Text]], verdict: _Verdict | None = None
    ) -> Decision:
        """Decides about a request as the live policy does, and reports what the shadow would have done otherwise."""

@final
class Counters:
    """Decisions counted by reason; free to be used by any number of threads."""

    def __new__(cls) -> Counters: ...
    def record(self, decision: Decision, /) -> None:
        """Counts a decision. A middleware that was given the counters does it by itself."""
    def record_overwritten(self) -> None:
        """Counts a response whose own CORS headers were replaced or removed; see Decision.overwrites_upstream."""
    def as_dict(self) -> dict[str, int]:
        """The number of decisions by reason: every reason, in its order."""
    @property
    def overwrote_upstream(self) -> int:
        """How many responses came with CORS headers of the application's own.

        A middleware replaced or removed them.
        """
    def to_prometheus(self) -> str:
        """The numbers as Prometheus text."""

class ASGIMiddleware:
    """The native half of crossgate.asgi.CORSMiddleware."""

    def __init__(
        self,
        app: _ASGIApp,
        policy: Policy | SharedPolicy,
        predicate: Callable[[str], bool | Awaitable[bool]] | None,
        predicate_timeout: float | None,
        websocket: bool | Literal["public"],
        counters: Counters | None,
    ) -> None: ...
    @property
    def app(self) -> _ASGIApp:
        """The application that is wrapped."""
    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
    def around(self, app: _ASGIApp) -> ASGIMiddleware:
        """The same around another application."""
    def decided(self, scope: _Scope, receive: _Receive, send: _Send, allowed: bool) -> Awaitable[None]:
        """Goes on with what the predicate said of the origin."""
    def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> Awaitable[None]: ...

class PolicyOptions(TypedDict, total=False):
    """The options of a policy; exists for type checkers only."""

    allow_origins: _Any | Iterable[str]
    allow_origin_regexes: Iterable[str]
    allow_null_origin: bool
    host_origins: bool
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
    upstream: Literal["replace", "keep"]
    allow_private_network: bool
    dangerously_allow: Iterable[_Gate]

@final
class Gate:
    """A policy, ready for WSGI environs and Django's request.META: its header sets are made once."""

    def __new__(
        cls,
        policy: Policy | SharedPolicy,
        lower: bool = False,
        ask: Callable[[str], bool] | None = None,
        counters: Counters | None = None,
    ) -> Gate:
        """lower: header names in lower case. ask: the host's verdict on an origin; only True allows."""
    def same(self, other: Gate) -> bool:
        """Whether two gates decide alike, now and later."""
    def asks(self, environ: dict[str, Any]) -> str | None:
        """The origin that the host is asked about before decide, or None."""
    def decide(self, environ: dict[str, Any], verdict: _Verdict | None = None) -> Answer:
        """Decides about the request of an environ. Never raises for what stands there."""

@final
class Answer:
    """What a gate says of one request."""

    @property
    def status(self) -> int:
        """The status to answer with before the application; 0: the application runs."""
    def apply(self, headers: list[tuple[str, str]], /) -> list[tuple[str, str]]:
        """A new list of a response's headers with the answer's set, merged and removed."""
    def write(self, store: dict[str, tuple[str, str]], /) -> None:
        """The same in place, in the dict in which Django keeps a response's headers."""

class Wsgi:
    """A WSGI application behind a policy."""

    def __init__(
        self,
        app: Callable[..., Any],
        gate: Gate | None = None,
        select: Callable[[dict[str, Any]], Gate | None] | None = None,
        options: Callable[[dict[str, Any]], Gate | None] | None = None,
        late: Callable[[], Gate | None] | None = None,
        routed: bool = False,
    ) -> None:
        """select(environ) names the gate, options(environ) that of OPTIONS, late() that of the route."""
    def configure(
        self,
        gate: Gate | None = None,
        select: Callable[[dict[str, Any]], Gate | None] | None = None,
        options: Callable[[dict[str, Any]], Gate | None] | None = None,
        late: Callable[[], Gate | None] | None = None,
        routed: bool = False,
    ) -> None:
        """Another way to find the gate, from the next request on."""
    @property
    def app(self) -> Any:
        """The application behind."""
    def __call__(self, environ: dict[str, Any], start_response: Any, /) -> Iterable[bytes]:
        """Answers a request."""
