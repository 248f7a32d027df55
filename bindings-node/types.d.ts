// Every type of the package. index.d.ts and index.d.mts give them to the two module systems.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/** The options of a policy, in camelCase or snake_case. `undefined` leaves an option out. */
export type Options = CamelCaseOptions & SnakeCaseOptions

interface CamelCaseOptions {
  /** Exact origins and patterns (`https://*.example.com`, `http://localhost:*`), or `'*'`. */
  allowOrigins?: '*' | readonly string[] | undefined
  /** Regular expressions as text; each matches the whole origin, in linear time. */
  allowOriginRegexes?: readonly string[] | undefined
  /** Opaque origins (`Origin: null`). */
  allowNullOrigin?: boolean | undefined
  /** The host may allow further origins at request time: see {@link Policy.asksHost}. */
  hostOrigins?: boolean | undefined
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
  upstream?: 'replace' | 'keep' | undefined
  allowPrivateNetwork?: boolean | undefined
  dangerouslyAllow?: readonly Gate[] | undefined
}

interface SnakeCaseOptions {
  allow_origins?: CamelCaseOptions['allowOrigins']
  allow_origin_regexes?: CamelCaseOptions['allowOriginRegexes']
  allow_null_origin?: CamelCaseOptions['allowNullOrigin']
  host_origins?: CamelCaseOptions['hostOrigins']
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
export type Gate =
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
  host_origins: boolean
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
  upstream: 'replace' | 'keep'
  allow_private_network: boolean
  dangerously_allow: Gate[]
}

/** One finding about a configuration. */
export interface Problem {
  readonly severity: 'error' | 'warning'
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
  /** Every problem found, warnings included. */
  readonly problems: readonly Problem[]
}

/** A header value: text as Latin-1, or bytes. Absent if undefined or null. */
export type HeaderValue = string | Uint8Array | null | undefined

/**
 * Request headers in any shape that a host has them in: pairs, a flat array like `req.rawHeaders`,
 * an object like `req.headers`, a `Headers`, or any other iterable of pairs. Names are compared
 * without case; a name that comes again is another line. `req.rawHeaders` is the fastest.
 */
export type RequestHeaders =
  | Iterable<
      readonly [name: string | Uint8Array, value: HeaderValue | readonly (string | Uint8Array)[]]
    >
  | readonly (string | Uint8Array)[]
  | { readonly [name: string]: HeaderValue | readonly (string | Uint8Array)[] }

/** The host's word on an origin, for policies with `hostOrigins`. None denies. */
export type Verdict = 'allow' | 'deny' | null | undefined

export type Kind = 'not_cors' | 'actual' | 'preflight'

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

/**
 * `forward`: run the handler. `answer`: answer with `status` and no body. `reject`: answer 403 with
 * no body.
 */
export type Action = 'forward' | 'answer' | 'reject'

/** The answer to one request. Frozen. */
export interface Decision {
  readonly kind: Kind
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

/** A request of `node:http`, of `node:http2`'s compatible API, or what is made of one. */
export type NodeRequest = IncomingMessage | Http2ServerRequest
/** Its response. */
export type NodeResponse = ServerResponse | Http2ServerResponse

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
  /** The canonical document, as a new object. */
  document(): PolicyDocument
  /**
   * Decides about a request. No header value, however odd, makes it throw.
   * @throws {TypeError} if the method, the headers or the verdict are of no type named here.
   * @throws {Error} for a verdict on a policy without `hostOrigins`.
   */
  evaluate(method: string | Uint8Array, headers: RequestHeaders, verdict?: Verdict): Decision
  /** The origin that the host is to give a verdict on, or null if there is nothing to say. */
  asksHost(method: string | Uint8Array, headers: RequestHeaders): string | null
  /**
   * For servers of `node:http` and `node:http2`: answers the request and returns true, or returns
   * false and sees to it that the handler's response, whatever it does, says what the policy says.
   */
  handle(req: NodeRequest, res: NodeResponse, verdict?: Verdict): boolean
  /** Checks the request of an `upgrade` event. `absent`: not a browser; the server decides. */
  checkUpgrade(req: IncomingMessage, options?: WebSocketOptions): 'allow' | 'deny' | 'absent'
  /** Checks the lines of the `Origin` of a WebSocket handshake. */
  checkWebSocket(
    originLines: HeaderValue | readonly (string | Uint8Array)[],
    options?: WebSocketOptions
  ): 'allow' | 'deny' | 'absent'
}

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
  /** Whether the policy takes verdicts. */
  readonly hasHostOrigins: boolean
  document(): PolicyDocument
  /** Whether the other policy has the same canonical document. */
  equals(other: unknown): boolean
  evaluate: Deciding['evaluate']
  asksHost: Deciding['asksHost']
  handle: Deciding['handle']
  checkUpgrade: Deciding['checkUpgrade']
  checkWebSocket: Deciding['checkWebSocket']
}

/** A decision that a shadow policy would have made otherwise. */
export interface ShadowDifference {
  /** What was done. */
  readonly live: Decision
  readonly shadow: Decision
  readonly method: string | Uint8Array
  readonly headers: RequestHeaders
}

/**
 * A policy that is replaced while serving. Adapters take it wherever they take a policy. One that
 * cannot be made leaves the old one in place.
 */
export class SharedPolicy implements Deciding {
  /** @throws {PolicyError} with every problem of the options. */
  constructor(policy: Policy | Options, options?: { readonly counters?: Counters | undefined })
  /** The policy as it is now. */
  readonly policy: Policy
  /** @throws {PolicyError} The old policy stays. */
  replace(policy: Policy | Options): void
  /**
   * `.json` or `.toml` decides how the file is read.
   * @throws {PolicyError} or, if it cannot be read, an Error with `code`. The old policy stays.
   */
  replaceFromFile(path: string | { readonly href: string; readonly protocol: string }): void
  /**
   * Evaluates another policy beside the live one and reports decisions that differ. null ends that.
   */
  setShadow(policy: Policy | Options | null, report?: (difference: ShadowDifference) => void): void
  readonly warnings: readonly Problem[]
  document(): PolicyDocument
  evaluate: Deciding['evaluate']
  asksHost: Deciding['asksHost']
  handle: Deciding['handle']
  checkUpgrade: Deciding['checkUpgrade']
  checkWebSocket: Deciding['checkWebSocket']
}

/** Decisions counted by reason. */
export class Counters {
  record(decision: { readonly reason: Reason }): void
  get(reason: Reason): number
  toJSON(): { [reason in Reason]: number }
  /** The counts as Prometheus text. */
  toPrometheus(): string
}

/**
 * What `origin` of {@link CorsOptions} says without asking: nobody, everybody, one, or whoever is
 * listed.
 */
export type StaticOrigin =
  boolean | string | RegExp | readonly (boolean | string | RegExp | StaticOrigin)[]

/**
 * A function that answers for an origin, through the callback, a promise or, if it takes no
 * callback, its result. It is asked about well-formed origins only, never about `null` or none.
 */
export type CustomOrigin = (
  origin: string,
  callback: (error: Error | null, origin?: StaticOrigin) => void
) => void | StaticOrigin | Promise<StaticOrigin | void>

/** The options of the package `cors`, with its defaults. */
export interface CorsOptions {
  /**
   * Default `'*'`. An empty list allows nobody; `false` turns CORS off. A RegExp matches the whole
   * origin.
   */
  origin?: StaticOrigin | CustomOrigin | undefined
  /** Default GET, HEAD, PUT, PATCH, POST, DELETE. */
  methods?: string | readonly string[] | undefined
  /** Default: every name. An empty list is none. */
  allowedHeaders?: string | readonly string[] | undefined
  /** The same as `allowedHeaders`. */
  headers?: string | readonly string[] | undefined
  exposedHeaders?: string | readonly string[] | undefined
  /** Not with `'*'` or `true` as origin. */
  credentials?: boolean | undefined
  /** Seconds. */
  maxAge?: number | undefined
  /** Whether preflights go on to the application, with their headers set. */
  preflightContinue?: boolean | undefined
  /** Default 204. */
  optionsSuccessStatus?: number | undefined
}

/** A policy in place of the options that it would be made of. */
export interface CorsPolicyOptions {
  policy: Policy | SharedPolicy
  preflightContinue?: boolean | undefined
}

/** What a middleware reads of a request. */
export interface CorsRequest {
  method?: string | undefined
  headers: IncomingMessage['headers']
}

/**
 * Gives the options for a request, through the callback, a promise or, if it takes no callback, its
 * result.
 */
export type CorsOptionsDelegate<T extends CorsRequest = CorsRequest> = (
  req: T,
  callback: (error: Error | null, options?: CorsOptions | CorsPolicyOptions) => void
) => void | CorsOptions | CorsPolicyOptions | Promise<CorsOptions | CorsPolicyOptions | void>

/** A middleware for Express and Connect. */
export interface CorsMiddleware<T extends CorsRequest = CorsRequest> {
  (req: T, res: NodeResponse, next: (error?: any) => any): void
  /**
   * What was made of the options, with its warnings; null if CORS is off, missing if each request
   * has its own options.
   */
  readonly policy?: Policy | SharedPolicy | null
}

/**
 * Middleware with the options of the package `cors`.
 * @throws {PolicyError} with every problem of the options.
 */
export declare function cors<T extends CorsRequest = CorsRequest>(
  options?: CorsOptions | CorsPolicyOptions | CorsOptionsDelegate<T>
): CorsMiddleware<T>
