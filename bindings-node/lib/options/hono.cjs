'use strict'
// The options of hono/cors, with its defaults; the same for any server of Requests and Responses.

const { askForValue } = require('../answers/ask.cjs')
const { OptionCache } = require('./option-cache.cjs')
const { EVERY_HEADER, Reader, anyOr } = require('./reader.cjs')

const KNOWN = [
  'origin',
  'allowMethods',
  'allowHeaders',
  'exposeHeaders',
  'maxAge',
  'credentials',
  'dangerouslyAllow',
  'policy',
  'counters',
  'verdictTimeout'
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
 * @param {object} given
 */
function readOptions(where, given) {
  const reader = new Reader(where, given, KNOWN)
  const { options } = reader
  const limit = reader.verdictTimeout()
  const word = fn => (origin, context, settle) =>
    askForValue(() => fn(origin, context), limit, settle)
  const counters = reader.counters()
  const policy = reader.policy(['policy', 'origin', 'verdictTimeout'])
  if (policy !== null) {
    return Object.freeze({
      decider: {
        policy,
        predicate: options.origin === undefined ? null : word(options.origin),
        report,
        counters
      },
      methods: null,
      ofMethods: null,
      limit
    })
  }
  const allowMethods = options.allowMethods ?? DEFAULT_METHODS
  const methods = typeof allowMethods === 'function' ? allowMethods : null
  const decider = names => {
    const reader = new Reader(where, options, KNOWN)
    reader.counters()
    const credentials = reader.boolean('credentials')
    const read = reader.origin(reader.originOrAny())
    const made = reader.compile(read, engineOptions(reader, names, credentials), {
      names: NAMES,
      comma: true
    })
    return {
      policy: made,
      predicate: read.predicate === null ? null : word(read.predicate),
      report,
      counters
    }
  }
  const deciders = new OptionCache(decider)
  return Object.freeze({
    decider: decider(methods === null ? allowMethods : []),
    methods,
    ofMethods: names => deciders.get(names),
    limit
  })
}

module.exports = { readOptions }
