'use strict'

const { isThenable } = require('../lib/answers/ask.cjs')
const { decideFetch } = require('../lib/fetch/decide.cjs')
const { applyToResponse, emptyResponse } = require('../lib/fetch/response.cjs')
const { readOptions } = require('../lib/options/hono.cjs')

/** A handler of Requests that answers preflights, and whose Responses carry the CORS headers. */
function withCors(handler, options = {}) {
  if (typeof handler !== 'function')
    throw new TypeError(
      'crossgate/fetch: withCors takes a function that makes a Response of a Request'
    )
  const read = readOptions('crossgate/fetch', options)
  return async function fetch(request, ...rest) {
    const decided = decideFetch(read, request.method, request.headers, request)
    const answer = isThenable(decided) ? await decided : decided
    if (answer.action !== 'forward') return emptyResponse(answer)
    const response = await handler.call(this, request, ...rest)
    return applyToResponse(response, answer, read.decider.counters)
  }
}

module.exports.withCors = withCors
