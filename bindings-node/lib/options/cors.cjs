'use strict'
// The options of the npm package `cors`, with its defaults.

const { askForCallback } = require('../answers/ask.cjs')
const { isOriginAnswer } = require('../answers/judge.cjs')
const { EVERY_HEADER, Reader, VERDICT_TIMEOUT, anyOr } = require('./reader.cjs')

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
  'counters',
  'verdictTimeout'
]

const NAMES = {
  allow_methods: 'methods',
  allow_headers: 'allowedHeaders',
  expose_headers: 'exposedHeaders',
  preflight_status: 'optionsSuccessStatus',
  denied_preflight_status: 'optionsSuccessStatus'
}

const DEFAULT_METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE']

/**
 * What a middleware works with. `decider`: null switches CORS off.
 * @typedef {object} Setup
 * @property {import('../answers/decide.cjs').Decider | null} decider
 * @property {boolean} preflightContinue
 */

/**
 * @param options as `cors` takes them
 * @param {(error: unknown) => void} report
 * @param {boolean} dynamic whether they are those of one request: then what is sent depends on it,
 *   even for one origin
 * @returns {Setup}
 * @throws {PolicyError} with every problem
 */
function setupOf(options, report, dynamic = false) {
  const reader = new Reader(WHERE, options, KNOWN)
  const given = reader.options
  const preflightContinue = reader.boolean('preflightContinue')
  const counters = reader.counters()
  const limit = reader.verdictTimeout()
  const policy = reader.policy(['policy', 'preflightContinue', 'verdictTimeout', 'origin'])
  if (policy !== null) {
    const predicate = given.origin === undefined ? null : predicateOf(given.origin, limit)
    return { decider: { policy, predicate, report, counters }, preflightContinue }
  }
  const origin = reader.originOrAny()
  const read = reader.origin(origin, { isCors: true })
  const status = given.optionsSuccessStatus ?? undefined
  const made = reader.compile(
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
  if (origin === false) return { decider: null, preflightContinue }
  const predicate = read.predicate === null ? null : predicateOf(read.predicate, limit)
  return { decider: { policy: made, predicate, report, counters }, preflightContinue }
}

/** Asks an `origin` that is a function. */
const predicateOf = (fn, limit) => (origin, req, settle) =>
  askForCallback(
    callback => fn(origin, callback, req),
    fn.length >= 2,
    isOriginAnswer,
    limit,
    settle
  )

module.exports = { DELEGATE_TIMEOUT: VERDICT_TIMEOUT, WHERE, setupOf }
