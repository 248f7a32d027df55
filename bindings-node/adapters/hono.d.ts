import type { Context, MiddlewareHandler } from 'hono'
import type { FetchOptions } from '../lib/options/fetch'

export type Options = FetchOptions<Context>

/** Makes the middleware. Mount it first, on every path: `app.use('*', cors(options))`. */
export declare function cors(options?: Options): MiddlewareHandler
