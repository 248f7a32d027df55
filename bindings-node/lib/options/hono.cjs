'use strict'
// The options of hono/cors, with its defaults; the same for any server of Requests and Responses.

const { EVERY_HEADER, anyOr, boolean, checkNames, compile, givenPolicy, judge, list, readOrigin, seconds } = require('./common.cjs')
const { Kept } = require('./kept.cjs')

const KNOWN = ['origin', 'allowMethods', 'allowHeaders', 'exposeHeaders', 'maxAge', 'credentials', 'policy']

const NAMES = {
  allow_origins: 'origin',
  allow_origin_regexes: 'origin',
  allow_null_origin: 'origin',
  allow_methods: 'allowMethods',
  allow_headers: 'allowHeaders',
  expose_headers: 'exposeHeaders',
  allow_credentials: 'credentials',
  max_age: 'maxAge'
}

const DEFAULT_METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'QUERY']

// Neither Hono nor the runtimes have a place for what goes wrong beside an answer.
const report = error => console.error(error)

function engineOptions(where, options, methods) {
  const { allowHeaders, exposeHeaders, maxAge } = options
  const engine = { allowCredentials: boolean(where, options, 'credentials', false), deniedPreflightStatus: 204 }
  engine.allowMethods = anyOr(list(where, 'allowMethods', methods))
  engine.allowHeaders = allowHeaders === undefined ? EVERY_HEADER : list(where, 'allowHeaders', allowHeaders)
  if (exposeHeaders !== undefined) engine.exposeHeaders = anyOr(list(where, 'exposeHeaders', exposeHeaders))
  if (maxAge !== undefined && maxAge !== null) engine.maxAge = seconds(maxAge)
  return engine
}

/**
 * What the options mean: a decider and, where the methods are a function, that function and the decider of a list.
 * @param {string} where the name of the module, for errors
 * @param {object} options
 */
function readOptions(where, options) {
  checkNames(where, options, KNOWN)
  const word = (fn, credentials) => (origin, context) => judge(fn(origin, context), origin, credentials)
  const policy = givenPolicy(where, options, ['policy', 'origin'])
  if (policy !== null) {
    return Object.freeze({ decider: { policy, host: options.origin === undefined ? null : word(options.origin, false), report }, methods: null, ofMethods: null })
  }
  const { allowMethods = DEFAULT_METHODS } = options
  const methods = typeof allowMethods === 'function' ? allowMethods : null
  const read = readOrigin(where, options.origin === undefined ? '*' : options.origin)
  const decider = names => {
    const compiled = compile(read, engineOptions(where, options, names), { names: NAMES, comma: true })
    return { ...compiled, host: read.host === null ? compiled.host : word(read.host, options.credentials === true), report }
  }
  const kept = new Kept(decider)
  return Object.freeze({ decider: decider(methods === null ? allowMethods : []), methods, ofMethods: names => kept.get(names) })
}

module.exports = { readOptions, report }
