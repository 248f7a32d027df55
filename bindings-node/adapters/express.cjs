'use strict'
// Middleware for Express and Connect, with the options of the npm package `cors`.

const { answerFor, begin } = require('../lib/answers/begin.cjs')
const { tell } = require('../lib/answers/told.cjs')
const { applyToResponse, endEmpty } = require('../lib/http/response.cjs')
const { setupOf } = require('../lib/options/cors.cjs')
const { OptionCache } = require('../lib/options/option-cache.cjs')

/**
 * @param options the options of `cors`, or `{ policy }`, or a function `(req, callback)` that gives
 *   them for a request
 * @throws {PolicyError} for options that are wrong
 */
function cors(options) {
  if (typeof options === 'function') return delegated(options)
  const setup = setupOf(options)
  // What most applications have: nothing but a policy to ask.
  const middleware =
    setup.policy === null || setup.judge !== null || setup.origin !== null
      ? (req, res, next) => handle(setup, req, res, next)
      : (req, res, next) =>
          respond(setup, req, answerFor(setup.policy, req.method, req.headers), res, next)
  return Object.defineProperty(middleware, 'policy', { value: setup.policy })
}

/** Options for each request. Equal ones are compiled once. */
function delegated(delegate) {
  const setups = new OptionCache(options => setupOf(options, true))
  return function corsMiddleware(req, res, next) {
    ask(delegate, req, (error, options) => {
      if (error) return next(error)
      let setup
      try {
        setup = setups.get(options)
      } catch (wrong) {
        return next(wrong)
      }
      handle(setup, req, res, next)
    })
  }
}

function handle(setup, req, res, next) {
  const { policy } = setup
  if (policy === null) return next()
  const outcome = begin(policy, req.method, req.headers)
  if (!outcome.isOpen) return respond(setup, req, outcome, res, next)
  const { origin } = outcome
  const judged = allowed => respond(setup, req, outcome.resume(allowed), res, next)
  // The response of an error page: it is not for the page that asked.
  const failed = error => {
    const denied = outcome.resume(false)
    setup.counters?.record(denied)
    tell(policy, req.method, req.headers, denied)
    applyToResponse(res, denied, setup.counters)
    next(error)
  }
  if (setup.judge !== null) return judged(setup.judge(origin))
  if (setup.origin === null) return judged(false)
  ask(setup.origin, origin, (error, value) => {
    // What users of cors write to refuse an origin.
    if (error) return failed(error)
    if (value === undefined || value === null || value === false || value === '')
      return judged(false)
    if (value === true || value === origin || value === '*') return judged(true)
    let other
    try {
      other = setup.withOrigin(value)
    } catch (wrong) {
      return failed(wrong)
    }
    if (other.origin !== null) return judged(false)
    handle(other, req, res, next)
  })
}

function respond(setup, req, answer, res, next) {
  const { counters } = setup
  if (counters !== null) counters.record(answer)
  tell(setup.policy, req.method, req.headers, answer)
  if (answer.action === 'forward' || (answer.action === 'answer' && setup.preflightContinue)) {
    applyToResponse(res, answer, counters)
    next()
  } else endEmpty(res, answer, counters)
}

/**
 * Calls an application's function, which answers through a callback, a promise or, if it takes no
 * callback, at once.
 */
function ask(question, about, answer) {
  let answered = false
  const once = (error, value) => {
    if (answered) return
    answered = true
    answer(error, value)
  }
  let returned
  try {
    returned = question(about, once)
  } catch (error) {
    // After the answer it is what came of the answer, such as an error of the handler: not ours to
    // keep.
    if (answered) throw error
    return once(error ?? new Error('the origin function threw nothing'))
  }
  if (typeof returned?.then === 'function') {
    // Out of the promise, so that what the application throws later is not taken for its answer.
    returned.then(
      value => process.nextTick(once, null, value),
      error =>
        process.nextTick(() => {
          if (answered) throw error
          once(error ?? new Error('the origin function rejected with nothing'))
        })
    )
  } else if (question.length === 1 || (returned !== undefined && question.length === 0))
    once(null, returned)
}

module.exports = { cors }
