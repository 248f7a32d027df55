// Middleware with the options of the package `cors`.
import type {
  Counters,
  NodeRequest,
  NodeResponse,
  Policy,
  SafetyException,
  SharedPolicy
} from '../lib/engine/types'

/**
 * What `origin` of {@link CorsOptions} says without asking: no origin, every one, or those that are
 * listed.
 */
export type StaticOrigin =
  boolean | string | RegExp | readonly (boolean | string | RegExp | StaticOrigin)[]

/**
 * A function that answers for an origin, through the callback, a promise or, if it names no
 * callback, its result; the first answer counts, and undefined is none. It is asked about
 * well-formed origins only, never about `null` or none.
 */
export type CustomOrigin = (
  origin: string,
  callback: (error: Error | null, origin?: StaticOrigin) => void,
  req: CorsRequest
) => void | StaticOrigin | PromiseLike<StaticOrigin | void>

/** The options of the package `cors`, with its defaults. */
export interface CorsOptions {
  /**
   * Default `'*'`. An empty list allows no origin; `false` turns CORS off. A RegExp matches the
   * whole origin.
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
  /**
   * Exceptions to safety rules, each by its name. Plain http with credentials in development:
   * `['insecure_origins_with_credentials']`.
   */
  dangerouslyAllow?: readonly SafetyException[] | undefined
  /** They count the decisions. */
  counters?: Counters | undefined
  /**
   * For how many milliseconds a function may think before the origin is denied. Default 5000.
   */
  verdictTimeout?: number | undefined
}

/** A policy in place of the options that it would be made of. */
export interface CorsPolicyOptions {
  policy: Policy | SharedPolicy
  /** Asked about further origins, for a policy with `originPredicate`. */
  origin?: CustomOrigin | undefined
  /** For how many milliseconds it may think. Default 5000. */
  verdictTimeout?: number | undefined
  preflightContinue?: boolean | undefined
  counters?: Counters | undefined
}

/** What a middleware reads of a request. */
export type CorsRequest = NodeRequest

/**
 * Gives the options for a request, through the callback, a promise or, if it takes no callback, its
 * result.
 */
export type CorsOptionsDelegate<T extends CorsRequest = CorsRequest> = (
  req: T,
  callback: (error: Error | null, options?: CorsOptions | CorsPolicyOptions) => void
) => void | CorsOptions | CorsPolicyOptions | PromiseLike<CorsOptions | CorsPolicyOptions | void>

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
