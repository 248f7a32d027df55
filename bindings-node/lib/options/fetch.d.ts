import type { Counters, RequestPolicy, SafetyException, StaticOrigin } from './common'

type OriginAnswer = StaticOrigin | boolean | null | undefined

/** `C`: what the functions get of a request. */
export interface FetchOptions<C> {
  /** Default `'*'`. A function says an allowed origin, or nothing; what it throws denies. */
  origin?:
    | StaticOrigin
    | boolean
    | ((origin: string, context: C) => OriginAnswer | PromiseLike<OriginAnswer>)
    | undefined
  /** Default `['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'QUERY']`. */
  allowMethods?:
    | string
    | readonly string[]
    | ((origin: string, context: C) => readonly string[] | PromiseLike<readonly string[]>)
    | undefined
  /** Default: whatever a page sends. */
  allowHeaders?: string | readonly string[] | undefined
  exposeHeaders?: string | readonly string[] | undefined
  /** Seconds that a browser may keep a preflight. */
  maxAge?: number | null | undefined
  /** Not with `origin: '*'`. Default false. */
  credentials?: boolean | undefined
  /**
   * Exceptions to safety rules, each by its name. Plain http with credentials in development:
   * `['insecure_origins_with_credentials']`.
   */
  dangerouslyAllow?: readonly SafetyException[] | undefined
  /**
   * A ready policy instead of the options above. With `originPredicate`, `origin` may be a
   * function beside it.
   */
  policy?: RequestPolicy | undefined
  /** They count the decisions. */
  counters?: Counters | undefined
  /**
   * For how many milliseconds a function may think before the origin is denied. Default 5000.
   */
  verdictTimeout?: number | undefined
}
