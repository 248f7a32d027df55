'use strict'

const { derive } = require('../lib/answers/answer.cjs')
const { isThenable, valueOf } = require('../lib/answers/ask.cjs')
const { decide } = require('../lib/answers/decide.cjs')
const { applyToResponse, endEmpty } = require('../lib/http/response.cjs')
const { readOptions, report } = require('../lib/options/koa.cjs')

/** Makes the middleware. */
function cors(options = {}) {
  const { plain, withCredentials, credentials, limit, keepHeadersOnError, extra } =
    readOptions(options)
  const withExtra = derive(answer => ({
    headers: [...answer.headers, ...extra],
    settled: says => [...says, ...extra]
  }))

  const { counters } = plain

  /** Answers or applies; `next` runs for what reaches the application. */
  function act(answer, ctx, next) {
    const { res } = ctx
    const full = extra.length === 0 || answer.action === 'reject' ? answer : withExtra(answer)
    if (answer.action !== 'forward') return void endEmpty(res, full, counters)
    applyToResponse(res, full, counters)
    return keepHeadersOnError ? next() : next().catch(error => forget(answer, res, error))
  }

  function withDecider(decider, ctx, next) {
    const { method, headers } = ctx.req
    const answer = decide(decider, method, headers, ctx)
    return isThenable(answer) ? answer.then(late => act(late, ctx, next)) : act(answer, ctx, next)
  }

  if (credentials === null)
    return function cors(ctx, next) {
      return withDecider(plain, ctx, next)
    }

  return async function cors(ctx, next) {
    let wanted = false
    try {
      wanted = (await valueOf(() => credentials(ctx), limit)) === true
    } catch (error) {
      report(error, ctx)
    }
    return withDecider(wanted ? withCredentials : plain, ctx, next)
  }
}

/** The same without all that lets a script read the response: only what tells caches apart. */
const unreadable = derive(answer => ({
  headers: answer.vary === undefined ? [] : ['vary', answer.vary],
  settled: says =>
    says.flatMap((name, i) => (i % 2 === 0 && name === 'vary' ? [name, says[i + 1]] : []))
}))

/** On an error page. */
function forget(answer, res, error) {
  applyToResponse(res, unreadable(answer))
  throw error
}

module.exports = cors
module.exports.cors = cors
module.exports.default = cors
