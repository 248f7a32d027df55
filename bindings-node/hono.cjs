'use strict'

const { isThenable } = require('./lib/decide.cjs')
const { decideFetch } = require('./lib/fetch-decide.cjs')
const { applyToResponse, emptyResponse } = require('./lib/fetch-response.cjs')
const { readOptions } = require('./lib/options/hono.cjs')

/** Makes the middleware. */
function cors(options = {}) {
  const read = readOptions('crossgate/hono', options)
  return async function cors(c, next) {
    const { raw } = c.req
    const decided = decideFetch(read, raw.method, raw.headers, c)
    const answer = isThenable(decided) ? await decided : decided
    if (answer.action !== 'forward') return emptyResponse(answer)
    await next()
    const response = c.res
    const applied = applyToResponse(response, answer)
    if (applied !== response) {
      // Given one response after another, Hono puts the headers of the first over those of the second.
      c.res = undefined
      c.res = applied
    }
    return undefined
  }
}

module.exports.cors = cors
