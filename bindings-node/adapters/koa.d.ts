import type { Context, Middleware } from 'koa'
import type { Counters, RequestPolicy, SafetyException, StaticOrigin } from '../lib/options/common'

/** Makes the middleware. Mount it first. */
declare function cors(options?: cors.Options): Middleware

declare namespace cors {
  export interface Options {
    /**
     * Default `'*'`. A single string is sent to everybody; a list or a RegExp is matched. A
     * function says an allowed origin, or nothing; what it throws denies.
     */
    origin?:
      | StaticOrigin
      | boolean
      | ((ctx: Context) => OriginAnswer | PromiseLike<OriginAnswer>)
      | undefined
    /** A list, or one string with commas. Default `'GET,HEAD,PUT,POST,DELETE,PATCH'`. */
    allowMethods?: string | readonly string[] | undefined
    /** A list, or one string with commas. Default: whatever a page sends. */
    allowHeaders?: string | readonly string[] | undefined
    /** A list, or one string with commas. */
    exposeHeaders?: string | readonly string[] | undefined
    /** Seconds that a browser may keep a preflight. */
    maxAge?: number | string | undefined
    /** Not with `origin: '*'`. A function allows by `true` only. Default false. */
    credentials?: boolean | ((ctx: Context) => boolean | PromiseLike<boolean>) | undefined
    /** Whether an error page keeps the headers. Default true. */
    keepHeadersOnError?: boolean | undefined
    /**
     * Whether responses isolate the page: `Cross-Origin-Opener-Policy` and
     * `Cross-Origin-Embedder-Policy`. Default false.
     */
    secureContext?: boolean | undefined
    /** Whether preflights for private networks are granted; legacy. Default false. */
    privateNetworkAccess?: boolean | undefined
    /**
     * Exceptions to safety rules, each by its name. Plain http with credentials in development:
     * `['insecure_origins_with_credentials']`.
     */
    dangerouslyAllow?: readonly SafetyException[] | undefined
    /**
     * A ready policy instead of the options above but `keepHeadersOnError` and `secureContext`;
     * with `originPredicate`, `origin` may be a function beside it.
     */
    policy?: RequestPolicy | undefined
    /** They count the decisions. */
    counters?: Counters | undefined
    /**
     * For how many milliseconds a function may think before the origin is denied. Default 5000.
     */
    verdictTimeout?: number | undefined
  }

  export type OriginAnswer = StaticOrigin | boolean | null | undefined

  export { cors, cors as default }
}

export = cors
