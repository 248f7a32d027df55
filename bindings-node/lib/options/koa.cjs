'use strict'
// The options of @koa/cors, with its defaults.

const { askForValue } = require('../answers/ask.cjs')
const { EVERY_HEADER, Reader, anyOr } = require('./reader.cjs')

const WHERE = 'crossgate/koa'

const WORKINGS = ['policy', 'counters', 'verdictTimeout', 'keepHeadersOnError', 'secureContext']
const KNOWN = [
  'origin',
  'allowMethods',
  'allowHeaders',
  'exposeHeaders',
  'maxAge',
  'credentials',
  'privateNetworkAccess',
  'dangerouslyAllow',
  ...WORKINGS
]

const NAMES = {
  allow_methods: 'allowMethods',
  allow_headers: 'allowHeaders',
  expose_headers: 'exposeHeaders',
  allow_private_network: 'privateNetworkAccess'
}

const DEFAULT_METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH']

// What makes a page cross-origin isolated.
const SECURE_CONTEXT = Object.freeze([
  'cross-origin-opener-policy',
  'same-origin',
  'cross-origin-embedder-policy',
  'require-corp'
])

const engineOptions = (reader, credentials) => ({
  allowCredentials: credentials,
  deniedPreflightStatus: 204,
  allowMethods: anyOr(reader.list('allowMethods') ?? DEFAULT_METHODS),
  allowHeaders: reader.list('allowHeaders') ?? EVERY_HEADER,
  exposeHeaders: anyOr(reader.list('exposeHeaders') ?? []),
  maxAge: reader.seconds('maxAge'),
  allowPrivateNetwork: reader.boolean('privateNetworkAccess') || undefined
})

function report(error, ctx) {
  ctx.app.emit('error', error, ctx)
}

function decider(given, credentials) {
  const reader = new Reader(WHERE, given, KNOWN)
  const { options } = reader
  const limit = reader.verdictTimeout()
  const word = fn => (origin, ctx, settle) => askForValue(() => fn(ctx), limit, settle)
  const counters = reader.counters()
  const policy = reader.policy([...WORKINGS, 'origin'])
  if (policy !== null)
    return {
      policy,
      predicate: options.origin === undefined ? null : word(options.origin),
      report,
      counters
    }
  const read = reader.origin(reader.originOrAny())
  const made = reader.compile(read, engineOptions(reader, credentials), {
    names: NAMES,
    comma: true,
    staticOrigin: typeof options.origin === 'string'
  })
  return {
    policy: made,
    predicate: read.predicate === null ? null : word(read.predicate),
    report,
    counters
  }
}

/**
 * What the options mean: a decider, or two and the function that says for a request which one.
 * @param {object} given
 */
function readOptions(given) {
  const reader = new Reader(WHERE, given, KNOWN)
  const { options } = reader
  const limit = reader.verdictTimeout()
  const dynamic = typeof options.credentials === 'function'
  const credentials = dynamic ? options.credentials : reader.boolean('credentials')
  const keepHeadersOnError = reader.boolean('keepHeadersOnError', true)
  const extra = reader.boolean('secureContext') ? SECURE_CONTEXT : Object.freeze([])
  reader.check()
  return Object.freeze({
    plain: decider(options, dynamic ? false : credentials),
    withCredentials: dynamic ? decider(options, true) : null,
    credentials: dynamic ? credentials : null,
    limit,
    keepHeadersOnError,
    extra
  })
}

module.exports = { readOptions, report }
