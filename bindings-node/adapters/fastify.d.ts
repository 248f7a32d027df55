import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify'
import type { Counters, RequestPolicy, SafetyException } from '../lib/options/common'

declare function fastifyCors(
  ...parameters: Parameters<FastifyPluginCallback<fastifyCors.Options>>
): ReturnType<FastifyPluginCallback<fastifyCors.Options>>

declare namespace fastifyCors {
  /**
   * An origin (`'https://a.example'`), a RegExp that matches the whole of one, `'*'` or true for
   * every, false for none.
   */
  export type Origin = string | boolean | RegExp | readonly Origin[]

  /**
   * Says which origins are allowed, by callback or promise. What it throws, and what is no
   * `Origin`, denies.
   */
  export type OriginFunction = (
    this: FastifyInstance,
    origin: string,
    callback: (error: Error | null, origin?: Origin) => void,
    request: FastifyRequest
  ) => PromiseLike<Origin> | void

  /** One that answers by promise alone. */
  export type AsyncOriginFunction = (origin: string) => Promise<Origin>

  /** What a route may say in its `config.cors`, over the options of the plugin. */
  export interface RouteOptions {
    /**
     * Default `'*'`. A single string is sent to everybody; a list is matched. `false` switches CORS
     * off.
     */
    origin?: Origin | OriginFunction | undefined
    /** Not with `origin: '*'` or `true`. Default false. */
    credentials?: boolean | undefined
    /** A list, or one string with commas. */
    exposedHeaders?: string | readonly string[] | null | undefined
    /** A list, or one string with commas. Default: whatever a page sends. */
    allowedHeaders?: string | readonly string[] | null | undefined
    /** A list, or one string with commas. Default `'GET,HEAD,POST'`; these three always pass. */
    methods?: string | readonly string[] | null | undefined
    /** Seconds that a browser may keep a preflight. */
    maxAge?: number | null | undefined
    /** `Cache-Control` of preflights: seconds, or the whole value. */
    cacheControl?: number | string | null | undefined
    /**
     * Whether the application's own OPTIONS route answers preflights, the headers being set.
     * Default false.
     */
    preflightContinue?: boolean | undefined
    /** The status of an answered preflight. Default 204. */
    optionsSuccessStatus?: number | undefined
    /**
     * Exceptions to safety rules, each by its name. Plain http with credentials in development:
     * `['insecure_origins_with_credentials']`.
     */
    dangerouslyAllow?: readonly SafetyException[] | undefined
    /** Whether preflights are answered. Default true. */
    preflight?: boolean | undefined
    /**
     * Whether OPTIONS without a route, and without what makes it a preflight, gets a 400. Default
     * true.
     */
    strictPreflight?: boolean | undefined
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

  /** The hook that answers. */
  export type Hook =
    'onRequest' | 'preParsing' | 'preValidation' | 'preHandler' | 'preSerialization'

  /** Gives the options of each request, by callback or promise. */
  export type FastifyCorsOptionsDelegate = (
    request: FastifyRequest,
    callback: (error: Error | null, options?: FastifyCorsOptions) => void
  ) => PromiseLike<FastifyCorsOptions> | void

  /** One that answers by callback. */
  export type FastifyCorsOptionsDelegateCallback = (
    request: FastifyRequest,
    callback: (error: Error | null, options?: FastifyCorsOptions) => void
  ) => void

  /** One that answers by promise. */
  export type FastifyCorsOptionsDelegatePromise = (
    request: FastifyRequest
  ) => Promise<FastifyCorsOptions>

  /** In place of the options: gives the delegate, once the instance is known. */
  export type FastifyPluginOptionsDelegate<T = FastifyCorsOptionsDelegate> = (
    instance: FastifyInstance
  ) => T

  export interface FastifyCorsOptions extends RouteOptions {
    /** Default `'onRequest'`. */
    hook?: Hook | undefined
    /** Gives the options of each request instead. */
    delegator?: FastifyCorsOptionsDelegate | undefined
    /**
     * Whether the OPTIONS routes that the plugin makes stay out of the documentation. Default true.
     */
    hideOptionsRoute?: boolean | undefined
    /** The log level of the OPTIONS routes that the plugin makes. */
    logLevel?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  }

  export type Options = FastifyCorsOptions | FastifyCorsOptionsDelegate

  const plugin: FastifyPluginCallback<Options>
  export { plugin as fastifyCors, plugin as default }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route's own CORS options, or whether it has CORS at all. */
    cors?: fastifyCors.RouteOptions | boolean | undefined
  }
  interface FastifyRequest {
    /** Whether the request is a preflight that the plugin has answered. */
    corsPreflightEnabled: boolean
  }
}

export = fastifyCors
