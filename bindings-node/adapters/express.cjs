'use strict'
// Middleware for Express and Connect, with the options of the npm package `cors`.

const { askForCallback, isThenable } = require('../lib/answers/ask.cjs')
const { decide } = require('../lib/answers/decide.cjs')
const { Warnings } = require('../lib/answers/warnings.cjs')
const { typeName } = require('../lib/engine/errors.cjs')
const { applyToResponse, endEmpty } = require('../lib/http/response.cjs')
const { DELEGATE_TIMEOUT, WHERE, setupOf } = require('../lib/options/cors.cjs')
const { OptionCache } = require('../lib/options/option-cache.cjs')

/**
 * @param options the options of `cors`, or `{ policy }`, or a function `(req, callback)` that gives
 *   them for a request
 * @throws {PolicyError} for options that are wrong
 */
function cors(options = {}) {
  // Express has no logger, and an error page would be for the page that asked.
  const warnings = new Warnings(
    `${WHERE}: a function of the application failed, so the request's origin is denied`
  )
  const report = error => warnings.add(error)
  if (typeof options === 'function') return delegated(options, report)
  const setup = setupOf(options ?? {}, report)
  const middleware = (req, res, next) => handle(setup, req, res, next)
  return Object.defineProperty(middleware, 'policy', { value: setup.decider?.policy ?? null })
}

const isOptions = value => typeName(value) === 'object'

/** Options for each request. Equal ones are compiled once. */
function delegated(delegate, report) {
  const setups = new OptionCache(options => setupOf(options, report, true))
  const nobody = setupOf({ origin: [] }, report)

  function setupFor(failure, options) {
    try {
      if (failure !== null) throw failure
      // Undefined would mean the defaults, which let everybody in.
      if (!isOptions(options))
        throw new TypeError(`it gave no options, but a value of type ${typeName(options)}`)
      return setups.get(options)
    } catch (error) {
      report(error)
      return nobody
    }
  }

  return function corsMiddleware(req, res, next) {
    let setup = null
    let isLate = false
    askForCallback(
      callback => delegate(req, callback),
      delegate.length >= 2,
      isOptions,
      DELEGATE_TIMEOUT,
      (failure, options) => {
        setup = setupFor(failure, options)
        // Out of the promise, so that what the application throws later is not taken for its
        // answer.
        if (isLate) process.nextTick(handle, setup, req, res, next)
      }
    )
    isLate = true
    if (setup !== null) handle(setup, req, res, next)
  }
}

function handle(setup, req, res, next) {
  const { decider } = setup
  if (decider === null) return next()
  const decided = decide(decider, req.method, req.headers, req)
  if (isThenable(decided))
    // As above.
    decided.then(answer => process.nextTick(respond, setup, answer, res, next))
  else respond(setup, decided, res, next)
}

function respond({ decider: { counters }, preflightContinue }, answer, res, next) {
  if (answer.action === 'forward' || (answer.action === 'answer' && preflightContinue)) {
    applyToResponse(res, answer, counters)
    next()
  } else endEmpty(res, answer, counters)
}

module.exports = { cors }
