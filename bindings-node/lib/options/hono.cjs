'use strict'
// The options of hono/cors, with its defaults; the same for any server of Requests and Responses.

const { EVERY_HEADER, Reader, anyOr, judge } = require('./reader.cjs')
const { OptionCache } = require('./option-cache.cjs')

const KNOWN = [
  'origin',
  'allowMethods',
  'allowHeaders',
  'exposeHeaders',
  'maxAge',
  'credentials',
  'dangerouslyAllow',
  'policy',
  'counters'
]

const NAMES = {
  allow_methods: 'allowMethods',
  allow_headers: 'allowHeaders',
  expose_headers: 'exposeHeaders'
}

const DEFAULT_METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'QUERY']

// Neither Hono nor the runtimes have a place for what goes wrong beside an answer.
const report = error => console.error(error)

const engineOptions = (reader, methods, credentials) => ({
  allowCredentials: credentials,
  deniedPreflightStatus: 204,
  allowMethods: anyOr(reader.list('allowMethods', methods)),
  allowHeaders: reader.list('allowHeaders') ?? EVERY_HEADER,
  exposeHeaders: anyOr(reader.list('exposeHeaders') ?? []),
  maxAge: reader.seconds('maxAge')
})

/**
 * What the options mean: a decider and, where the methods are a function, that function and the
 * decider of a list.
 * @param {string} where the name of the module, for errors
 * @param {object} options
 */
function readOptions(where, options) {
  const word = (fn, credentials) => (origin, context) =>
    judge(fn(origin, context), origin, credentials)
  const reader = new Reader(where, options, KNOWN)
  const counters = reader.counters()
  const policy = reader.policy(['policy', 'origin'])
  if (policy !== null) {
    return Object.freeze({
      decider: {
        policy,
        predicate: options.origin === undefined ? null : word(options.origin, false),
        report,
        counters
      },
      methods: null,
      ofMethods: null
    })
  }
  const allowMethods = options.allowMethods ?? DEFAULT_METHODS
  const methods = typeof allowMethods === 'function' ? allowMethods : null
  const decider = names => {
    const reader = new Reader(where, options, KNOWN)
    reader.counters()
    const credentials = reader.boolean('credentials')
    const read = reader.origin(options.origin === undefined ? '*' : options.origin)
    const compiled = reader.compile(read, engineOptions(reader, names, credentials), {
      names: NAMES,
      comma: true
    })
    return {
      ...compiled,
      predicate: read.predicate === null ? compiled.predicate : word(read.predicate, credentials),
      report,
      counters
    }
  }
  const deciders = new OptionCache(decider)
  return Object.freeze({
    decider: decider(methods === null ? allowMethods : []),
    methods,
    ofMethods: names => deciders.get(names)
  })
}

module.exports = { readOptions }
