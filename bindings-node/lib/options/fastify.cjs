'use strict'
// The options of @fastify/cors, with its defaults.

const { askForCallback } = require('../answers/ask.cjs')
const { isOriginAnswer } = require('../answers/judge.cjs')
const { EVERY_HEADER, Reader, anyOr } = require('./reader.cjs')

const WHERE = 'crossgate/fastify'

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization']

// What says how the plugin works, beside a policy too; and what says which requests pass.
const WORKINGS = [
  'policy',
  'counters',
  'verdictTimeout',
  'preflight',
  'preflightContinue',
  'strictPreflight',
  'cacheControl'
]
const RULES = [
  'origin',
  'methods',
  'allowedHeaders',
  'exposedHeaders',
  'credentials',
  'maxAge',
  'optionsSuccessStatus',
  'dangerouslyAllow'
]
const OF_ROUTES = [...RULES, ...WORKINGS]
// `prefix`, `logSerializers`: what Fastify itself puts into the options of a plugin.
const OF_PLUGIN = [
  ...OF_ROUTES,
  'hook',
  'delegator',
  'hideOptionsRoute',
  'logLevel',
  'prefix',
  'logSerializers'
]

// Lists that are text are sent as they are there, which is mostly without spaces; arrays are joined
// with them.
const LISTS = ['methods', 'allowedHeaders', 'exposedHeaders']

const NAMES = {
  allow_methods: 'methods',
  allow_headers: 'allowedHeaders',
  expose_headers: 'exposedHeaders',
  preflight_status: 'optionsSuccessStatus',
  denied_preflight_status: 'optionsSuccessStatus'
}

function engineOptions(reader, credentials) {
  const status = reader.options.optionsSuccessStatus ?? undefined
  return {
    allowCredentials: credentials,
    allowMethods: anyOr(reader.list('methods') ?? ['GET', 'HEAD', 'POST']),
    allowHeaders: reader.list('allowedHeaders') ?? EVERY_HEADER,
    exposeHeaders: anyOr(reader.list('exposedHeaders') ?? []),
    maxAge: reader.seconds('maxAge'),
    preflightStatus: status,
    // A denied preflight has the status of any other, where it may.
    deniedPreflightStatus: status === 200 ? 200 : 204
  }
}

function cacheControl(reader) {
  if (!reader.has('cacheControl')) return null
  const { cacheControl: value } = reader.options
  if (typeof value !== 'string' && !Number.isInteger(value))
    reader.wrong('cacheControl', value, 'seconds or the whole value of the header')
  return typeof value === 'string' ? value : `max-age=${value}`
}

function decider(reader, report, dynamic) {
  const { options } = reader
  const counters = reader.counters()
  const limit = reader.verdictTimeout()
  const policy = reader.policy([...OF_PLUGIN.filter(name => !RULES.includes(name)), 'origin'])
  const credentials = policy === null && reader.boolean('credentials')
  const word = fn => (origin, request, settle) =>
    askForCallback(
      callback => fn.call(request.server, origin, callback, request),
      fn.length >= 2,
      isOriginAnswer,
      limit,
      settle
    )
  if (policy !== null)
    return {
      policy,
      predicate: options.origin === undefined ? null : word(options.origin),
      report,
      counters
    }
  const read = reader.origin(reader.originOrAny())
  // A list that holds `*` is `*`, as it is there.
  const staticOrigin = typeof options.origin === 'string' && !dynamic
  const made = reader.compile(read, engineOptions(reader, credentials), {
    names: NAMES,
    comma: !LISTS.some(name => Array.isArray(options[name])),
    staticOrigin
  })
  return {
    policy: made,
    predicate: read.predicate === null ? null : word(read.predicate),
    report,
    counters
  }
}

/**
 * What one set of options means, or null if they switch CORS off.
 * @param {object} options as the user gave them, a route's merged
 * @param {(error: unknown, request: any) => void} report
 * @param {boolean} dynamic whether the application gave them for one request
 */
function readOptions(options, report, dynamic) {
  const reader = new Reader(WHERE, options, OF_PLUGIN)
  if (reader.options.origin === false) return null
  const workings = {
    preflight: reader.boolean('preflight', true),
    preflightContinue: reader.boolean('preflightContinue'),
    strictPreflight: reader.boolean('strictPreflight', true),
    dynamic,
    cacheControl: cacheControl(reader),
    plainStatus: reader.options.optionsSuccessStatus ?? 204
  }
  return Object.freeze({ ...workings, decider: Object.freeze(decider(reader, report, dynamic)) })
}

/**
 * A route's options over those of the plugin; a policy on either side stands instead of the other's
 * rules.
 */
function mergeRoute(plugin, route) {
  const reader = new Reader(`${WHERE}: config.cors`, route, OF_ROUTES)
  reader.refuseUnset('origin', 'config.cors.')
  reader.refuseUnset('policy', 'config.cors.')
  reader.check()
  const isReplaced = name =>
    (route.policy !== undefined && RULES.includes(name)) ||
    (plugin.policy !== undefined && name === 'policy')
  return {
    ...Object.fromEntries(Object.entries(plugin).filter(([name]) => !isReplaced(name))),
    ...route
  }
}

/**
 * The hook that answers, and how long a delegator may think; options that are not options of the
 * plugin are refused.
 */
function checkPlugin(options) {
  const reader = new Reader(WHERE, options, OF_PLUGIN)
  const { hook = 'onRequest' } = reader.options
  const limit = reader.verdictTimeout()
  reader.refuseUnset('delegator')
  if (!HOOKS.includes(hook)) reader.wrong('hook', hook, HOOKS.join(', '))
  reader.check()
  return { hook, limit }
}

module.exports = { WHERE, checkPlugin, mergeRoute, readOptions }
