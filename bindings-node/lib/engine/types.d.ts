// The types of policies, decisions and counters.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** The options of a policy, in camelCase or snake_case. `undefined` leaves an option out. */
export type Options = CamelCaseOptions & SnakeCaseOptions

interface CamelCaseOptions {
  /** Exact origins and patterns (`https://*.example.com`, `http://localhost:*`), or `'*'`. */
  allowOrigins?: '*' | readonly string[] | undefined
  /** Regular expressions as text; each matches the whole origin, in linear time. */
  allowOriginRegexes?: readonly (string | RegExp)[] | undefined
  /** Opaque origins (`Origin: null`). */
  allowNullOrigin?: boolean | undefined
  /**
   * Whether the application may allow further origins at request time: see
   * {@link Policy.needsVerdict}.
   */
  originPredicate?: boolean | undefined
  /** Beyond GET, HEAD and POST, which always pass a preflight. */
  allowMethods?: '*' | readonly string[] | undefined
  /** Request headers. `'*'` may stand beside names. */
  allowHeaders?: '*' | readonly string[] | undefined
  /** Response headers that scripts may read. */
  exposeHeaders?: '*' | readonly string[] | undefined
  allowCredentials?: boolean | undefined
  /** Seconds that a preflight may be cached; null sends no header. */
  maxAge?: number | null | undefined
  preflightStatus?: number | undefined
  deniedPreflightStatus?: number | undefined
  /**
   * Whether a request of an origin that is not allowed reaches the handler. `'reject'` needs
   * `ownOrigins`.
   */
  deniedActual?: 'forward' | 'reject' | undefined
  /** The server's own public origins. */
  ownOrigins?: readonly string[] | undefined
  singleOrigin?: 'match' | 'static' | undefined
  /** What happens to CORS headers that the application or an upstream set. */
  upstream?: 'replace' | 'keep' | 'keep_public' | undefined
  allowPrivateNetwork?: boolean | undefined
  dangerouslyAllow?: readonly SafetyException[] | undefined
}

interface SnakeCaseOptions {
  allow_origins?: CamelCaseOptions['allowOrigins']
  allow_origin_regexes?: CamelCaseOptions['allowOriginRegexes']
  allow_null_origin?: CamelCaseOptions['allowNullOrigin']
  origin_predicate?: CamelCaseOptions['originPredicate']
  allow_methods?: CamelCaseOptions['allowMethods']
  allow_headers?: CamelCaseOptions['allowHeaders']
  expose_headers?: CamelCaseOptions['exposeHeaders']
  allow_credentials?: CamelCaseOptions['allowCredentials']
  max_age?: CamelCaseOptions['maxAge']
  preflight_status?: CamelCaseOptions['preflightStatus']
  denied_preflight_status?: CamelCaseOptions['deniedPreflightStatus']
  denied_actual?: CamelCaseOptions['deniedActual']
  own_origins?: CamelCaseOptions['ownOrigins']
  single_origin?: CamelCaseOptions['singleOrigin']
  upstream?: CamelCaseOptions['upstream']
  allow_private_network?: CamelCaseOptions['allowPrivateNetwork']
  dangerously_allow?: CamelCaseOptions['dangerouslyAllow']
}

/** The named exceptions to safety rules. */
export type SafetyException =
  | 'insecure_origins_with_credentials'
  | 'public_suffix_subdomains_with_credentials'
  | 'any_host_of_scheme_with_credentials'

/**
 * The canonical document of a policy: every option. A policy made from it is equal, and without
 * problems.
 */
export interface PolicyDocument {
  allow_origins: '*' | string[]
  allow_origin_regexes: string[]
  allow_null_origin: boolean
  origin_predicate: boolean
  allow_methods: '*' | string[]
  allow_headers: '*' | string[]
  expose_headers: '*' | string[]
  allow_credentials: boolean
  max_age: number | null
  preflight_status: number
  denied_preflight_status: number
  denied_actual: 'forward' | 'reject'
  own_origins: string[]
  single_origin: 'match' | 'static'
  upstream: 'replace' | 'keep' | 'keep_public'
  allow_private_network: boolean
  dangerously_allow: SafetyException[]
}

/** One finding about a configuration. */
export interface Problem {
  readonly severity: 'error' | 'warning' | 'note'
  /** Stable, like `origin_has_path`. */
  readonly code: string
  /** The place, like `allow_origins[2]`; empty for the document as a whole. */
  readonly path: string
  /** The value found there, escaped. */
  readonly value: string
  readonly message: string
  /** The corrected text, where one exists. */
  readonly hint: string | null
}

/** A policy was not made. The message shows every problem on its own line. */
export class PolicyError extends Error {
  private constructor()
  readonly name: 'PolicyError'
  /** Every problem found, warnings and notes included; the first 1,000 if there are more. */
  readonly problems: readonly Problem[]
  /** How many are not among them. */
  readonly omitted: number
}

/** A header value: text as Latin-1, or bytes. Absent if undefined or null. */
export type HeaderValue = string | Uint8Array | null | undefined

/**
 * Request headers in any shape that a server has them in: pairs, a flat array like
 * `req.rawHeaders`, an object like `req.headers`, a `Headers`, or any other iterable of pairs.
 * Names are compared without case; a name that comes again is another line. `req.rawHeaders` is the
 * fastest.
 */
export type RequestHeaders =
  | Iterable<
      readonly [name: string | Uint8Array, value: HeaderValue | readonly (string | Uint8Array)[]]
    >
  | readonly (string | Uint8Array)[]
  | { readonly [name: string]: HeaderValue | readonly (string | Uint8Array)[] }

/** What the application says of an origin, under `originPredicate`. None denies. */
export type Verdict = 'allow' | 'deny' | null | undefined

export type RequestKind = 'not_cors' | 'actual' | 'preflight'

// BEGIN generated by .ci/codes: reasons
export type Reason =
  | 'allowed'
  | 'allowed_any'
  | 'no_origin'
  | 'own_origin'
  | 'origin_not_listed'
  | 'origin_null'
  | 'origin_malformed'
  | 'origin_multiple'
  | 'method_not_allowed'
  | 'method_case'
  | 'header_not_allowed'
  | 'header_list_malformed'
  | 'header_list_too_long'
// END generated

/**
 * `forward`: run the handler. `answer`: answer with `status` and no body. `reject`: answer 403 with
 * no body.
 */
export type Action = 'forward' | 'answer' | 'reject'

/** The answer to one request. Frozen. */
export interface Decision {
  readonly kind: RequestKind
  readonly reason: Reason
  readonly action: Action
  /**
   * Whether a CORS request passed; null for a request that is not one, or that is the server's own.
   */
  readonly allowed: boolean | null
  /** The status to answer with; null to forward. */
  readonly status: number | null
  /** The headers that the response gets, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The names of the headers that the response loses. */
  readonly remove: readonly string[]
  /** Whether a regex with look-around ran out of steps, so that it let nobody in. */
  readonly hitRegexStepLimit: boolean
  /**
   * The response headers `[[name, value], ...]` with this decision set, merged and removed: a new
   * array. `report` hears of each value about CORS that the response said and does not say any
   * more.
   */
  apply<P extends readonly [name: string, value: unknown]>(
    headers: readonly P[],
    report?: (name: string, value: string) => void
  ): [name: string, value: P[1] | string][]
}

/** What subscribers of the diagnostics channel `crossgate:decision` get. */
export interface DecisionMessage {
  readonly kind: RequestKind
  readonly reason: Reason
  readonly action: Action
  readonly allowed: boolean | null
  readonly status: number | null
  /** The method or header name that a preflight was refused for, escaped. */
  readonly deniedName: string | null
  /** The `Origin`, escaped. */
  readonly origin: string | null
  /** The {@link Policy.digest} of the policy that decided. */
  readonly policy: string
}

/** What is read of a request of `node:http` or of `node:http2`'s compatible API. */
export interface NodeRequest {
  method?: string | undefined
  headers: IncomingHttpHeaders
}
/**
 * What is needed of its response. Of a whole one more is used: then the headers stand also where a
 * handler writes its head itself.
 */
export interface NodeResponse {
  statusCode?: number | undefined
  setHeader(name: string, value: string): any
  end(): any
}

/** How a WebSocket handshake is checked. */
export interface WebSocketOptions {
  /** The socket serves everybody alike. */
  readonly public?: boolean | undefined
  readonly verdict?: Verdict
}

/** What policies and shared policies do. */
interface Deciding {
  /** What is worth a look, though the policy was made. */
  readonly warnings: readonly Problem[]
  /** What is true of the policy and needs nothing done. */
  readonly notes: readonly Problem[]
  /** How many warnings and notes are not listed, because there were more than 1,000. */
  readonly omittedProblems: number
  /** 16 hexadecimal digits. Equal policies have equal ones, in every process and language. */
  readonly digest: string
  /** Whether the policy takes verdicts. */
  readonly hasOriginPredicate: boolean
  /** The canonical document, as a new object. */
  document(): PolicyDocument
  /**
   * Decides about a request. No header value, however odd, makes it throw.
   * @throws {TypeError} if the method, the headers or the verdict are of no type named here.
   * @throws {Error} for a verdict on a policy without `originPredicate`.
   */
  evaluate(method: string | Uint8Array, headers: RequestHeaders, verdict?: Verdict): Decision
  /**
   * The method or header name that a preflight was refused for, escaped for a log; null if
   * something else decided. `reason` is that of the decision about this request.
   */
  deniedName(method: string | Uint8Array, headers: RequestHeaders, reason: Reason): string | null
  /** The origin that the application has to judge, or null if the policy decides alone. */
  needsVerdict(method: string | Uint8Array, headers: RequestHeaders): string | null
  /**
   * For servers of `node:http` and `node:http2`: answers the request and returns true, or returns
   * false and sees to it that the handler's response, whatever it does, says what the policy says.
   * `counters` count the decision, and a response whose own headers of CORS it overwrites.
   */
  handle(
    req: NodeRequest,
    res: NodeResponse,
    verdict?: Verdict,
    counters?: Counters | undefined
  ): boolean
  /** Checks the request of an `upgrade` event. `absent`: not a browser; the server decides. */
  checkUpgrade(req: IncomingMessage, options?: WebSocketOptions): 'allow' | 'deny' | 'absent'
  /** Checks the lines of the `Origin` of a WebSocket handshake. */
  checkWebSocket(
    originLines: HeaderValue | readonly (string | Uint8Array)[],
    options?: WebSocketOptions
  ): 'allow' | 'deny' | 'absent'
}

/** The day of the public-suffix list that patterns and regexes are judged by, like 2026-11-04. */
export const publicSuffixListDate: string

/** A compiled, immutable policy. */
export class Policy implements Deciding {
  /** @throws {PolicyError} with every problem of the options. */
  constructor(options: Options)
  /** @throws {PolicyError} */
  static fromJson(text: string): Policy
  /** @throws {PolicyError} */
  static fromToml(text: string): Policy
  /**
   * `.json` or `.toml` decides how the file is read.
   * @throws {PolicyError}
   * @throws an Error with `code` (`ENOENT`, ...) and `path` if the file cannot be read.
   */
  static fromFile(path: string | { readonly href: string; readonly protocol: string }): Policy
  /**
   * Reads `PREFIX_ALLOW_ORIGINS` and so on; lists are split at commas.
   * @throws {PolicyError}
   */
  static fromEnv(prefix: string, env?: { readonly [name: string]: string | undefined }): Policy
  readonly warnings: readonly Problem[]
  readonly notes: readonly Problem[]
  readonly omittedProblems: number
  readonly digest: string
  readonly hasOriginPredicate: boolean
  document(): PolicyDocument
  /** Whether the other policy has the same canonical document. */
  equals(other: unknown): boolean
  evaluate: Deciding['evaluate']
  deniedName: Deciding['deniedName']
  needsVerdict: Deciding['needsVerdict']
  handle: Deciding['handle']
  checkUpgrade: Deciding['checkUpgrade']
  checkWebSocket: Deciding['checkWebSocket']
}

/** A decision that a shadow policy would have made otherwise. */
export interface ShadowDifference {
  /** What was done. */
  readonly live: Decision
  /** What the shadow policy would have done. */
  readonly shadow: Decision
}

/** The request of a {@link ShadowDifference}. */
export interface ShadowRequest {
  readonly method: string | Uint8Array
  readonly headers: RequestHeaders
}

/**
 * A policy that is replaced while serving. Adapters take it wherever they take a policy. One that
 * cannot be made leaves the old one in place.
 */
export class SharedPolicy implements Deciding {
  /** @throws {PolicyError} with every problem of the options. */
  constructor(policy: Policy | Options)
  /** The policy as it is now. */
  readonly policy: Policy
  /** @throws {PolicyError} The old policy stays. */
  replace(policy: Policy | Options): void
  /** @throws {PolicyError} The old policy stays. */
  replaceDocument(options: Options): void
  /** @throws {PolicyError} The old policy stays. */
  replaceJson(text: string): void
  /** @throws {PolicyError} The old policy stays. */
  replaceToml(text: string): void
  /**
   * `.json` or `.toml` decides how the file is read.
   * @throws {PolicyError} or, if it cannot be read, an Error with `code`. The old policy stays.
   */
  replaceFile(path: string | { readonly href: string; readonly protocol: string }): void
  /**
   * Evaluates another policy beside the live one and reports decisions that differ. null ends that.
   * What the function throws becomes a warning of the process.
   */
  setShadow(
    policy: Policy | Options | null,
    onShadowDifference?: (difference: ShadowDifference, request: ShadowRequest) => void
  ): void
  readonly warnings: readonly Problem[]
  readonly notes: readonly Problem[]
  readonly omittedProblems: number
  readonly digest: string
  readonly hasOriginPredicate: boolean
  document(): PolicyDocument
  evaluate: Deciding['evaluate']
  deniedName: Deciding['deniedName']
  needsVerdict: Deciding['needsVerdict']
  handle: Deciding['handle']
  checkUpgrade: Deciding['checkUpgrade']
  checkWebSocket: Deciding['checkWebSocket']
}

/**
 * Decisions counted by reason. Adapters take them as the option `counters`, and `handle` as an
 * argument.
 */
export class Counters {
  /** Counts a decision. */
  record(decision: { readonly reason: Reason; readonly hitRegexStepLimit?: boolean }): void
  /** How many decisions had this reason. */
  get(reason: Reason): number
  /** How many responses had headers of CORS of their own that were replaced or removed. */
  readonly overwroteUpstream: number
  /**
   * How many questions about an origin the application did not answer: its function failed, took
   * too long, or answered what means nothing.
   */
  readonly predicateFailed: number
  /** For how many decisions a regex with look-around or back references ran out of steps. */
  readonly regexStepLimit: number
  toJSON(): { [reason in Reason]: number }
  /** The counts as Prometheus text. */
  toPrometheus(): string
}
