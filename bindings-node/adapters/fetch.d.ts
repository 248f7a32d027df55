import type { FetchOptions } from '../lib/options/fetch'

export type Options = FetchOptions<Request>

/** A handler of Requests that answers preflights, and whose Responses carry the CORS headers. */
export declare function withCors<R extends unknown[]>(
  handler: (request: Request, ...rest: R) => Response | Promise<Response>,
  options?: Options
): (request: Request, ...rest: R) => Promise<Response>
