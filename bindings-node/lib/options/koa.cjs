'use strict'
// The options of @koa/cors, with its defaults.

const { EVERY_HEADER, anyOr, boolean, checkNames, compile, givenPolicy, judge, list, readOrigin, seconds, wrong } = require('./common.cjs')

const WHERE = 'crossgate/koa'

const WORKINGS = ['policy', 'keepHeadersOnError', 'secureContext']
const KNOWN = ['origin', 'allowMethods', 'allowHeaders', 'exposeHeaders', 'maxAge', 'credentials', 'privateNetworkAccess', ...WORKINGS]

const NAMES = {
  allow_origins: 'origin',
  allow_origin_regexes: 'origin',
  allow_null_origin: 'origin',
  allow_methods: 'allowMethods',
  allow_headers: 'allowHeaders',
  expose_headers: 'exposeHeaders',
  allow_credentials: 'credentials',
  max_age: 'maxAge',
  allow_private_network: 'privateNetworkAccess'
}

const DEFAULT_METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH']

// What makes a page cross-origin isolated.
const SECURE_CONTEXT = Object.freeze(['cross-origin-opener-policy', 'same-origin', 'cross-origin-embedder-policy', 'require-corp'])

function engineOptions(options, credentials) {
  const { allowMethods, allowHeaders, exposeHeaders, maxAge } = options
  const engine = { allowCredentials: credentials, deniedPreflightStatus: 204 }
  engine.allowMethods = anyOr(allowMethods === undefined ? DEFAULT_METHODS : list(WHERE, 'allowMethods', allowMethods))
  engine.allowHeaders = allowHeaders === undefined ? EVERY_HEADER : list(WHERE, 'allowHeaders', allowHeaders)
  if (exposeHeaders !== undefined) engine.exposeHeaders = anyOr(list(WHERE, 'exposeHeaders', exposeHeaders))
  if (maxAge !== undefined) engine.maxAge = seconds(maxAge)
  if (boolean(WHERE, options, 'privateNetworkAccess', false)) engine.allowPrivateNetwork = true
  return engine
}

function report(error, ctx) {
  ctx.app.emit('error', error, ctx)
}

function decider(options, credentials) {
  const word = fn => (origin, ctx) => judge(fn(ctx), origin, credentials)
  const policy = givenPolicy(WHERE, options, [...WORKINGS, 'origin'])
  if (policy !== null) return { policy, host: options.origin === undefined ? null : word(options.origin), report }
  const read = readOrigin(WHERE, options.origin ?? '*')
  const compiled = compile(read, engineOptions(options, credentials), { names: NAMES, comma: true, staticOrigin: typeof options.origin === 'string' })
  return { ...compiled, host: read.host === null ? compiled.host : word(read.host), report }
}

/**
 * What the options mean: a decider, or two and the function that says for a request which one.
 * @param {object} options
 */
function readOptions(options) {
  checkNames(WHERE, options, KNOWN)
  const { credentials = false } = options
  if (typeof credentials !== 'boolean' && typeof credentials !== 'function') throw wrong(WHERE, 'credentials', credentials, 'true, false or a function')
  const dynamic = typeof credentials === 'function'
  return Object.freeze({
    plain: decider(options, dynamic ? false : credentials),
    withCredentials: dynamic ? decider(options, true) : null,
    credentials: dynamic ? credentials : null,
    keepHeadersOnError: boolean(WHERE, options, 'keepHeadersOnError', true),
    extra: boolean(WHERE, options, 'secureContext', false) ? SECURE_CONTEXT : Object.freeze([])
  })
}

module.exports = { readOptions, report }
