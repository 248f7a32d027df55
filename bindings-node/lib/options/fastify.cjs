'use strict'
// The options of @fastify/cors, with its defaults.

const { EVERY_HEADER, anyOr, boolean, callOrigin, checkNames, compile, givenPolicy, judge, list, readOrigin, seconds, wrong } = require('./common.cjs')

const WHERE = 'crossgate/fastify'

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization']

// What says how the plugin works, beside a policy too; and what says which requests pass.
const WORKINGS = ['policy', 'preflight', 'preflightContinue', 'strictPreflight', 'cacheControl']
const RULES = ['origin', 'methods', 'allowedHeaders', 'exposedHeaders', 'credentials', 'maxAge', 'optionsSuccessStatus']
const OF_ROUTES = [...RULES, ...WORKINGS]
// `prefix`, `logSerializers`: what Fastify itself puts into the options of a plugin.
const OF_PLUGIN = [...OF_ROUTES, 'hook', 'delegator', 'hideOptionsRoute', 'logLevel', 'prefix', 'logSerializers']

// Lists that are text are sent as they are there, which is mostly without spaces; arrays are joined with them.
const LISTS = ['methods', 'allowedHeaders', 'exposedHeaders']

const NAMES = {
  allow_origins: 'origin',
  allow_origin_regexes: 'origin',
  allow_null_origin: 'origin',
  allow_methods: 'methods',
  allow_headers: 'allowedHeaders',
  expose_headers: 'exposedHeaders',
  allow_credentials: 'credentials',
  max_age: 'maxAge',
  preflight_status: 'optionsSuccessStatus',
  denied_preflight_status: 'optionsSuccessStatus'
}

// Options that are null are at their defaults, which some spell so.
const given = value => value !== undefined && value !== null

function engineOptions(options) {
  const { methods, allowedHeaders, exposedHeaders, maxAge, optionsSuccessStatus: status } = options
  const engine = { allowCredentials: boolean(WHERE, options, 'credentials', false) }
  engine.allowMethods = anyOr(given(methods) ? list(WHERE, 'methods', methods) : ['GET', 'HEAD', 'POST'])
  engine.allowHeaders = given(allowedHeaders) ? list(WHERE, 'allowedHeaders', allowedHeaders) : EVERY_HEADER
  if (given(exposedHeaders)) engine.exposeHeaders = anyOr(list(WHERE, 'exposedHeaders', exposedHeaders))
  if (given(maxAge)) engine.maxAge = seconds(maxAge)
  if (given(status)) engine.preflightStatus = status
  // A denied preflight has the status of any other, where it may.
  engine.deniedPreflightStatus = status === 200 ? 200 : 204
  return engine
}

function cacheControl(value) {
  if (!given(value)) return Object.freeze([])
  if (Number.isInteger(value)) return Object.freeze(['cache-control', `max-age=${value}`])
  if (typeof value !== 'string') throw wrong(WHERE, 'cacheControl', value, 'seconds or the whole value of the header')
  return Object.freeze(['cache-control', value])
}

function decider(options, report, dynamic) {
  const policy = givenPolicy(WHERE, options, [...OF_PLUGIN.filter(name => !RULES.includes(name)), 'origin'])
  const credentials = options.credentials === true
  const word = fn => (origin, request) => judge(callOrigin(fn, request.server, origin), origin, credentials)
  if (policy !== null) return { policy, host: options.origin === undefined ? null : word(options.origin), report }
  const read = readOrigin(WHERE, options.origin ?? '*')
  // A list that holds `*` is `*`, as it is there.
  const staticOrigin = typeof options.origin === 'string' && !dynamic
  const compiled = compile(read, engineOptions(options), { names: NAMES, comma: !LISTS.some(name => Array.isArray(options[name])), staticOrigin })
  return { ...compiled, host: read.host === null ? compiled.host : word(read.host), report }
}

/**
 * What one set of options means, or null if they switch CORS off.
 * @param {object} options as the user gave them, a route's merged
 * @param {(error: unknown, request: any) => void} report
 * @param {boolean} dynamic whether the application gave them for one request
 */
function readOptions(options, report, dynamic) {
  if (options.origin === false) return null
  return Object.freeze({
    decider: Object.freeze(decider(options, report, dynamic)),
    preflight: boolean(WHERE, options, 'preflight', true),
    preflightContinue: boolean(WHERE, options, 'preflightContinue', false),
    strictPreflight: boolean(WHERE, options, 'strictPreflight', true),
    dynamic,
    extra: cacheControl(options.cacheControl),
    plainStatus: given(options.optionsSuccessStatus) ? options.optionsSuccessStatus : 204
  })
}

/** A route's options over those of the plugin; a policy on either side stands instead of the other's rules. */
function mergeRoute(plugin, route) {
  checkNames(`${WHERE}: config.cors`, route, OF_ROUTES)
  const isReplaced = name => (route.policy !== undefined && RULES.includes(name)) || (plugin.policy !== undefined && name === 'policy')
  return { ...Object.fromEntries(Object.entries(plugin).filter(([name]) => !isReplaced(name))), ...route }
}

/** The hook that answers. */
function readHook(hook = 'onRequest') {
  if (!HOOKS.includes(hook)) throw wrong(WHERE, 'hook', hook, HOOKS.join(', '))
  return hook
}

/** Refuses options that are not options of the plugin. */
function checkPlugin(options) {
  checkNames(WHERE, options, OF_PLUGIN)
}

module.exports = { WHERE, checkPlugin, mergeRoute, readHook, readOptions }
