import type { FetchOptions } from '../lib/options/fetch'

export type Options<Q extends Request = Request> = FetchOptions<Q>

/** A handler of Requests that answers preflights, and whose Responses carry the CORS headers. */
export declare function withCors<Q extends Request, R extends unknown[]>(
  handler: (request: Q, ...rest: R) => Response | Promise<Response>,
  options?: Options<Q>
): (request: Q, ...rest: R) => Promise<Response>
