'use strict'

const { withHeaders } = require('./lib/answer.cjs')
const { decide, isThenable, amend } = require('./lib/decide.cjs')
const { applyToResponse, endPreflight, rejectActual } = require('./lib/node-response.cjs')
const { readOptions, report } = require('./lib/options/koa.cjs')

/** Makes the middleware. */
function cors(options = {}) {
  const { plain, withCredentials, credentials, keepHeadersOnError, extra } = readOptions(options)

  /** Answers or applies; `next` runs for what reaches the application. */
  function act(answer, ctx, next) {
    const { res } = ctx
    const full = amend(answer, extra)
    if (answer.action === 'answer') endPreflight(res, full)
    else if (answer.action === 'reject') rejectActual(res, answer)
    else {
      applyToResponse(res, full)
      return keepHeadersOnError ? next() : next().catch(error => forget(answer, res, error))
    }
    return undefined
  }

  function withDecider(decider, ctx, next) {
    const answer = decide(decider, ctx.method, ctx.req.headers, ctx)
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

/** The same without all that lets a script read the response. */
const varyOf = answer => withHeaders(answer, { set: [], vary: answer.vary, expose: null, headers: answer.vary === null ? [] : ['vary', answer.vary] })

/** On an error page only what tells caches apart stays. */
function forget(answer, res, error) {
  applyToResponse(res, varyOf(answer))
  throw error
}

module.exports = cors
module.exports.cors = cors
module.exports.default = cors
