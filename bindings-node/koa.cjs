'use strict'

const { derive } = require('./lib/answer.cjs')
const { decide, isThenable } = require('./lib/decide.cjs')
const { applyAtHead } = require('./lib/late-head.cjs')
const { applyToResponse, endEmpty } = require('./lib/node-response.cjs')
const { readOptions, report } = require('./lib/options/koa.cjs')

/** Makes the middleware. */
function cors(options = {}) {
  const { plain, withCredentials, credentials, keepHeadersOnError, extra } = readOptions(options)
  const full = derive(answer => ({ headers: [...answer.headers, ...extra], settled: says => [...says, ...extra] }))
  // What is not of CORS is the application's to change, so it has to be there before.
  const apply = extra.length === 0 ? applyAtHead : (res, answer) => applyToResponse(res, full(answer))

  /** Answers or applies; `next` runs for what reaches the application. */
  function act(answer, ctx, next) {
    const { res } = ctx
    if (answer.action === 'forward') {
      apply(res, answer)
      return keepHeadersOnError ? next() : next().catch(error => forget(answer, res, error))
    }
    endEmpty(res, answer.action === 'answer' && extra.length > 0 ? full(answer) : answer)
    return undefined
  }

  function withDecider(decider, ctx, next) {
    const { method, headers } = ctx.req
    const answer = decide(decider, method, headers, ctx)
    return isThenable(answer) ? answer.then(late => act(late, ctx, next)) : act(answer, ctx, next)
  }

  if (credentials === null) return function cors(ctx, next) { return withDecider(plain, ctx, next) }

  return async function cors(ctx, next) {
    let wanted = false
    try {
      wanted = (await credentials(ctx)) === true
    } catch (error) {
      report(error, ctx)
    }
    return withDecider(wanted ? withCredentials : plain, ctx, next)
  }
}

/** The same without all that lets a script read the response: only what tells caches apart. */
const unreadable = derive(answer => ({
  headers: answer.head.vary === undefined ? [] : ['vary', answer.head.vary],
  settled: says => says.flatMap((name, i) => (i % 2 === 0 && name === 'vary' ? [name, says[i + 1]] : []))
}))

/** On an error page. */
function forget(answer, res, error) {
  applyToResponse(res, unreadable(answer))
  throw error
}

module.exports = cors
module.exports.cors = cors
module.exports.default = cors
