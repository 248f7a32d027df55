'use strict'

const { derive } = require('../lib/answers/answer.cjs')
const { askForCallback, isThenable } = require('../lib/answers/ask.cjs')
const { decide } = require('../lib/answers/decide.cjs')
const { typeName } = require('../lib/engine/errors.cjs')
const { mergeVary } = require('../lib/engine/native.cjs')
const { applyAtHead } = require('../lib/http/late-head.cjs')
const { WHERE, checkPlugin, mergeRoute, readOptions } = require('../lib/options/fastify.cjs')
const { OptionCache } = require('../lib/options/option-cache.cjs')
const { addCatchAll, followRoutes } = require('./fastify-routes.cjs')

const WITH_PAYLOAD = ['preParsing', 'preSerialization']

// The plugin of a context: the innermost one answers alone.
const INSTALLED = Symbol('crossgate.fastify')

// For a request whose options cannot be had: no origin is allowed.
const NO_ORIGIN = { origin: [] }

const report = (error, request) =>
  request.log.error(
    error,
    `${WHERE}: a function of the application failed, so the request's origin is denied`
  )

const read = options => readOptions(options, report, false)
const readDynamic = options => readOptions(options, report, true)

/**
 * The same for an application that may answer another request with other options, so that even `*`
 * varies.
 */
const varying = derive(answer =>
  answer.vary === undefined
    ? { headers: [...answer.headers, 'vary', 'Origin'], settled: varyByOrigin }
    : { headers: [...answer.headers], settled: says => [...says] }
)

function varyByOrigin(says) {
  const vary = []
  const rest = []
  for (let i = 0; i < says.length; i += 2) {
    if (says[i] === 'vary') vary.push(says[i + 1])
    else rest.push(says[i], says[i + 1])
  }
  return [...rest, 'vary', mergeVary(vary, 'Origin')]
}

// On requests that were answered as preflights.
const PREFLIGHT = Symbol('crossgate.preflight')

function isPreflight() {
  return this[PREFLIGHT] === true
}

/** The configuration of a request's route. */
const routeCors = request =>
  (request.routeOptions === undefined ? request.context : request.routeOptions).config?.cors

/**
 * Answers for one registration. `optionsOf` gives a request's options, or a promise of them; none
 * for a constant.
 */
class Plugin {
  #options
  #constant
  #optionsOf
  #routes = new WeakMap()
  #noOrigin = read(NO_ORIGIN)
  #compiled = new OptionCache(readDynamic)
  #merged = new OptionCache(({ options, route }) => readDynamic(mergeRoute(options, route)))
  #warned = false

  // Whether some route that may be asked for has options of its own, for all that is known.
  #hasRoutes
  /**
   * What holds for every request, if that is one thing and no function has a word in it; or else
   * null.
   */
  fixed = null
  /** Whether a context inside has a plugin of its own. */
  hasInner = false
  /** The plugin of the nearest context around this one's that has one. */
  outer = undefined
  /** Gives each route of this plugin its own preflight route. */
  giveRoutes = () => {}

  /** `hasRoutes`: routes were declared before. */
  constructor(options, optionsOf, hasRoutes) {
    this.#hasRoutes = hasRoutes
    this.#options = options
    this.#optionsOf = optionsOf
    this.#constant = optionsOf === null ? read(options) : null
    this.#fix()
  }

  /** Reads a route's options when it is declared, so that mistakes show at once. */
  declare(route) {
    if (route !== undefined) this.#hasRoutes = true
    this.#fix()
    if (typeof route === 'object' && route !== null && this.#optionsOf === null)
      this.#routes.set(route, read(mergeRoute(this.#options, route)))
    else if (
      route !== undefined &&
      typeof route !== 'boolean' &&
      (typeof route !== 'object' || route === null)
    )
      mergeRoute(this.#options, route)
  }

  #fix() {
    this.fixed =
      this.#hasRoutes || this.#constant === null || this.#constant.decider.predicate !== null
        ? null
        : this.#constant
  }

  /** What holds for a request; null if CORS is off for it. */
  settings(request) {
    const route = this.#hasRoutes ? routeCors(request) : undefined
    if (route === undefined || route === true)
      return this.#optionsOf === null ? this.#constant : this.#delegated(request, undefined)
    if (route === false) return null
    if (this.#optionsOf !== null) return this.#delegated(request, route)
    return this.#routes.get(route) ?? this.#late(route, request)
  }

  /** For a response outside of every route: only what is known without asking the application. */
  applyWithoutAsking(req, res) {
    const decided =
      this.#constant === null
        ? null
        : decide({ ...this.#constant.decider, predicate: null }, req.method, req.headers)
    if (decided !== null) applyAtHead(res, decided, this.#constant.decider.counters)
  }

  /** A route that was declared before the plugin was there. */
  #late(route, request) {
    let settings
    try {
      settings = read(mergeRoute(this.#options, route))
    } catch (error) {
      report(error, request)
      settings = this.#noOrigin
    }
    this.#routes.set(route, settings)
    if (!this.#warned) {
      this.#warned = true
      request.log.warn(
        `${WHERE}: a route with config.cors was declared before the plugin was loaded, ` +
          'so preflights do not find it; await the registration'
      )
    }
    return settings
  }

  #delegated(request, route) {
    const found = late => {
      try {
        return route === undefined
          ? this.#compiled.get(late)
          : this.#merged.get({ options: late, route })
      } catch (error) {
        return this.#failed(error, request)
      }
    }
    return this.#optionsOf(request).then(found, error => this.#failed(error, request))
  }

  #failed(error, request) {
    report(error, request)
    return this.#noOrigin
  }
}

/** The options that a delegate gives, by callback or promise. */
const delegate = (fn, limit) => request =>
  new Promise((resolve, reject) =>
    askForCallback(
      callback => fn(request, callback),
      fn.length >= 2,
      value => typeName(value) === 'object',
      limit,
      (failure, options) => (failure === null ? resolve(options) : reject(failure))
    )
  )

function answer(settings, request, reply, next) {
  const { raw } = request
  const { method, headers } = raw
  // Without its method a preflight is a request like any other.
  const decided = decide(
    settings.decider,
    method,
    settings.preflight || method !== 'OPTIONS'
      ? headers
      : { origin: headers.origin, 'sec-fetch-site': headers['sec-fetch-site'] },
    request
  )
  if (isThenable(decided))
    decided.then(late => act(late, settings, request, reply, next)).catch(next)
  else act(decided, settings, request, reply, next)
}

function act(answer, settings, request, reply, next) {
  const { raw } = reply
  if (answer.action === 'answer') {
    request[PREFLIGHT] = true
    applyAtHead(raw, settings.dynamic ? varying(answer) : answer, settings.decider.counters)
    if (settings.cacheControl !== null) reply.header('cache-control', settings.cacheControl)
    if (!settings.preflightContinue) reply.code(answer.status).send()
    // There is no route to continue with.
    else if (request.is404) reply.send()
    else next()
    return undefined
  }
  applyAtHead(raw, settings.dynamic ? varying(answer) : answer, settings.decider.counters)
  if (answer.action === 'reject') reply.code(answer.status).send()
  else if (
    request.raw.method === 'OPTIONS' &&
    answer.kind !== 'preflight' &&
    settings.preflight &&
    request.is404
  )
    plainOptions(settings, reply)
  else next()
  return undefined
}

/** OPTIONS that is no preflight, where the application has nothing of its own to say. */
function plainOptions({ strictPreflight, plainStatus }, reply) {
  if (strictPreflight) reply.code(400).type('text/plain').send('Invalid Preflight Request')
  else reply.code(plainStatus).send()
}

function install(fastify, plugin, hook) {
  const handle = (request, reply, next) => {
    if (plugin.hasInner && request.server[INSTALLED] !== plugin) return next()
    const { fixed } = plugin
    const { method, headers } = request.raw
    if (fixed !== null && method !== 'OPTIONS')
      return act(decide(fixed.decider, method, headers), fixed, request, reply, next)
    const settings = fixed ?? plugin.settings(request)
    if (isThenable(settings))
      settings
        .then(late => (late === null ? next() : answer(late, request, reply, next)))
        .catch(next)
    else if (settings === null) next()
    else answer(settings, request, reply, next)
    return undefined
  }
  fastify.addHook(
    hook,
    WITH_PAYLOAD.includes(hook)
      ? (request, reply, payload, next) => handle(request, reply, next)
      : handle
  )
}

function register(fastify, options) {
  if (Object.hasOwn(fastify, INSTALLED))
    throw new Error(
      `${WHERE}: registered twice in one context; leave one of the two out, ` +
        'or give single routes their own config.cors'
    )
  const given = typeof options === 'function' ? { delegator: options } : options
  const { hook, limit } = checkPlugin(given)
  const { delegator, hook: _, hideOptionsRoute, logLevel, ...rules } = given
  const plugin = new Plugin(
    rules,
    delegator === undefined ? null : delegate(delegator, limit),
    hasRoutes(fastify)
  )
  // On the prototype: requests that are no preflights do not pay for it.
  if (!fastify.hasRequestDecorator('corsPreflightEnabled'))
    fastify.decorateRequest('corsPreflightEnabled', { getter: isPreflight })
  for (let outer = fastify[INSTALLED]; outer !== undefined; outer = outer.outer) {
    outer.hasInner = true
    outer.giveRoutes()
  }
  plugin.outer = fastify[INSTALLED]
  fastify[INSTALLED] = plugin
  install(fastify, plugin, hook)

  // Only the hooks of the outermost context run for what has no route.
  const isOutermost = Object.hasOwn(fastify, 'server')
  const settings = { hideOptionsRoute, logLevel }
  // A context without a prefix would answer for every path of the application.
  if (isOutermost ? logLevel !== undefined : fastify.prefix !== '') addCatchAll(fastify, settings)
  plugin.giveRoutes = followRoutes(fastify, settings, {
    always: !isOutermost,
    owns: instance => instance[INSTALLED] === plugin,
    declare: cors => plugin.declare(cors)
  })
  if (isOutermost) coverBadUrls(fastify, plugin)
}

/** Whether anything but an empty tree is printed: methods stand in parentheses. */
const hasRoutes = fastify => fastify.printRoutes().replace('(empty tree)', '').includes('(')

/** For a URL that cannot be decoded Fastify runs no hook before it answers 400. */
function coverBadUrls({ server, initialConfig: { routerOptions, useSemicolonDelimiter } }, plugin) {
  // Releases without the option end a path there.
  const afterPath =
    routerOptions?.useSemicolonDelimiter || (useSemicolonDelimiter ?? true) ? /[?;#]/ : /[?#]/
  server.prependListener('request', (req, res) => {
    if (req.url.includes('%') && !isDecodable(req.url.split(afterPath, 1)[0]))
      plugin.applyWithoutAsking(req, res)
  })
}

function isDecodable(path) {
  try {
    decodeURI(path)
    return true
  } catch {
    return false
  }
}

/** The plugin. */
function fastifyCors(fastify, options, done) {
  try {
    register(fastify, options)
  } catch (error) {
    done(error)
    return
  }
  done()
}

// What `fastify-plugin` sets: the hook belongs to the context that registers the plugin, not to one
// of its own.
fastifyCors[Symbol.for('skip-override')] = true
fastifyCors[Symbol.for('fastify.display-name')] = WHERE
fastifyCors[Symbol.for('plugin-meta')] = { name: WHERE, fastify: '>=4.0.0' }

module.exports = fastifyCors
module.exports.default = fastifyCors
module.exports.fastifyCors = fastifyCors
