'use strict'

const { isThenable } = require('../lib/answers/ask.cjs')
const { decideFetch } = require('../lib/fetch/decide.cjs')
const { applyToResponse, emptyResponse } = require('../lib/fetch/response.cjs')
const { readOptions } = require('../lib/options/hono.cjs')

/** Makes the middleware. */
function cors(options = {}) {
  const read = readOptions('crossgate/hono', options)

  /** Answers, or runs what follows and gives its response the headers. */
  function act(answer, c, next) {
    if (answer.action !== 'forward') return emptyResponse(answer)
    return next().then(() => finish(answer, c, read.decider.counters))
  }

  return function cors(c, next) {
    const { raw } = c.req
    const answer = decideFetch(read, raw.method, raw.headers, c)
    return isThenable(answer) ? answer.then(late => act(late, c, next)) : act(answer, c, next)
  }
}

function finish(answer, c, counters) {
  const response = c.res
  const applied = applyToResponse(response, answer, counters)
  if (applied === response) return
  // Given one response after another, Hono puts the headers of the first over those of the second.
  c.res = undefined
  c.res = applied
}

module.exports.cors = cors
