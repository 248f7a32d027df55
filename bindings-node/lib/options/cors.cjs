'use strict'
// The options of the npm package `cors`, with its defaults.

const { OptionCache } = require('./option-cache.cjs')
const { EVERY_HEADER, Reader, anyOr } = require('./reader.cjs')

const WHERE = 'crossgate'

const KNOWN = [
  'origin',
  'methods',
  'allowedHeaders',
  'headers',
  'exposedHeaders',
  'credentials',
  'maxAge',
  'preflightContinue',
  'optionsSuccessStatus',
  'dangerouslyAllow',
  'policy',
  'counters'
]

const NAMES = {
  allow_methods: 'methods',
  allow_headers: 'allowedHeaders',
  expose_headers: 'exposedHeaders',
  preflight_status: 'optionsSuccessStatus',
  denied_preflight_status: 'optionsSuccessStatus'
}

const DEFAULT_METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE']

/** What a middleware works with. */
class Setup {
  constructor(policy, options) {
    const { judge = null, origin = null, withOrigin = null } = options
    const { preflightContinue = false, counters = null } = options
    /** The policy, or null: CORS is off. */
    this.policy = policy
    /**
     * Judges an origin that the policy does not know; for regular expressions that the engine does
     * not take.
     */
    this.judge = judge
    /** The application's function, which is asked about it. */
    this.origin = origin
    /** The setup of the same options with an `origin` that this function answered. */
    this.withOrigin = withOrigin
    this.preflightContinue = preflightContinue
    /** What counts the answers, or null. */
    this.counters = counters
  }
}

/**
 * @param options as `cors` takes them
 * @param {boolean} dynamic whether they are those of one request: then what is sent depends on it,
 *   even for one origin
 * @returns {Setup}
 * @throws {PolicyError} with every problem
 */
function setupOf(options, dynamic = false) {
  const given = options ?? {}
  const reader = new Reader(WHERE, given, KNOWN)
  const preflightContinue = reader.boolean('preflightContinue')
  const counters = reader.counters()
  const policy = reader.policy(['policy', 'preflightContinue'])
  if (policy !== null) return new Setup(policy, { preflightContinue, counters })
  const credentials = given.credentials === true
  // An origin that is there and undefined (a variable that is not set) turns CORS off, as in
  // `cors`: it opens nothing.
  const origin = 'origin' in given ? (given.origin ?? false) : '*'
  const read = reader.origin(origin, { isCors: true })
  const status = given.optionsSuccessStatus ?? undefined
  const compiled = reader.compile(
    read,
    {
      allowMethods: anyOr(reader.list('methods') ?? DEFAULT_METHODS),
      allowHeaders:
        reader.list(reader.has('allowedHeaders') ? 'allowedHeaders' : 'headers') ?? EVERY_HEADER,
      exposeHeaders: anyOr(reader.list('exposedHeaders') ?? []),
      allowCredentials: reader.boolean('credentials'),
      maxAge: reader.seconds('maxAge'),
      preflightStatus: status,
      deniedPreflightStatus: status === 200 ? 200 : 204
    },
    { names: NAMES, comma: true, staticOrigin: typeof origin === 'string' && !dynamic }
  )
  // Checked like the rest, though it is never asked.
  if (origin === false) return new Setup(null, {})
  if (read.predicate === null)
    return new Setup(compiled.policy, { judge: compiled.predicate, preflightContinue, counters })
  const answered = new OptionCache(value => setupOf({ ...given, origin: value }, true))
  return new Setup(compiled.policy, {
    origin: read.predicate,
    preflightContinue,
    counters,
    withOrigin: value => answered.get(value)
  })
}

module.exports = { setupOf }
