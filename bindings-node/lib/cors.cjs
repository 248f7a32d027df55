'use strict'
// Middleware for Express and Connect, with the options of the npm package `cors`.

const { answerFor } = require('./answer.cjs')
const { originToJudge } = require('./decide.cjs')
const { applyToResponse, endEmpty } = require('./node-response.cjs')
const { setupOf } = require('./options/cors.cjs')
const { Kept } = require('./options/kept.cjs')

/**
 * @param options the options of `cors`, or `{ policy }`, or a function `(req, callback)` that gives them for a request
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
          respond(setup, answerFor(setup.policy, req.method, req.headers), res, next)
  return Object.defineProperty(middleware, 'policy', { value: setup.policy })
}

/** Options for each request. Equal ones are compiled once. */
function delegated(delegate) {
  const setups = new Kept(options => setupOf(options, true))
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
  const origin =
    setup.judge === null && setup.origin === null
      ? null
      : originToJudge(policy, req.method, req.headers)
  if (origin === null) return respond(setup, answerFor(policy, req.method, req.headers), res, next)
  const judged = allowed =>
    respond(
      setup,
      answerFor(policy, req.method, req.headers, allowed ? 'allow' : 'deny'),
      res,
      next
    )
  if (setup.judge !== null) return judged(setup.judge(origin))
  ask(setup.origin, origin, (error, value) => {
    // What cors users write to refuse an origin; the error page is not theirs to read.
    if (error) {
      applyToResponse(res, answerFor(policy, req.method, req.headers, 'deny'))
      return next(error)
    }
    if (value === undefined || value === null || value === false || value === '')
      return judged(false)
    if (value === true || value === origin || value === '*') return judged(true)
    let other
    try {
      other = setup.withOrigin(value)
    } catch (wrong) {
      applyToResponse(res, answerFor(policy, req.method, req.headers, 'deny'))
      return next(wrong)
    }
    if (other.origin !== null) return judged(false)
    handle(other, req, res, next)
  })
}

function respond(setup, answer, res, next) {
  if (answer.action === 'forward' || (answer.action === 'answer' && setup.preflightContinue)) {
    applyToResponse(res, answer)
    next()
  } else endEmpty(res, answer)
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
