'use strict'
// Preflights of Fastify's routes. A preflight asks for the route of another method, which Fastify's
// router only finds under OPTIONS: so each route gets an OPTIONS route beside it, with the route's
// own `config`, that only preflights for the route's methods reach. Routes of the application for
// OPTIONS stay as they are.

const CONSTRAINT = 'crossgatePreflight'

const ANY = '*'

const strategy = {
  name: CONSTRAINT,
  /** Finds the routes (bits of a mask) by the method that a preflight asks for. */
  storage() {
    const masks = new Map()
    return {
      get: method => (masks.get(method) ?? 0) | (masks.get(ANY) ?? 0),
      set(methods, mask) {
        for (const method of methods.split(' ')) masks.set(method, (masks.get(method) ?? 0) | mask)
      }
    }
  },
  deriveConstraint: req =>
    req.method === 'OPTIONS' && req.headers.origin !== undefined
      ? req.headers['access-control-request-method']
      : undefined,
  mustMatchWhenDerived: false
}

function preflightRoute(
  fastify,
  { url, methods, constraints, config, prefixTrailingSlash },
  { hideOptionsRoute = true, logLevel }
) {
  if (!fastify.hasConstraintStrategy(CONSTRAINT)) fastify.addConstraintStrategy(strategy)
  fastify.route({
    method: 'OPTIONS',
    url,
    constraints: { ...constraints, [CONSTRAINT]: methods.join(' ') },
    config,
    schema: { hide: hideOptionsRoute },
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(prefixTrailingSlash === undefined ? {} : { prefixTrailingSlash }),
    // The hook has answered, unless CORS is off for this route.
    handler: (request, reply) => reply.callNotFound()
  })
}

/** By server: the prefixes that have one. */
const catchAlls = new WeakMap()

/**
 * A preflight route for every path below this context's prefix that has none: for routes that were
 * declared before the plugin was loaded. Contexts of one prefix have one.
 */
function addCatchAll(fastify, settings) {
  const prefixes = catchAlls.get(fastify.server) ?? new Set()
  catchAlls.set(fastify.server, prefixes)
  if (prefixes.has(fastify.prefix)) return
  prefixes.add(fastify.prefix)
  preflightRoute(fastify, { url: '*', methods: [ANY] }, settings)
}

/**
 * Gives preflight routes to the routes to come: to none until one has a `config.cors` of its own or
 * a context inside has a policy of its own, unless `always`, and from then on to all, so that no
 * route answers for another. `owns(instance)`: whether the plugin answers there;
 * `declare(config.cors)` is called for each route. Returns what is to be called once a context
 * inside has a policy.
 */
function followRoutes(fastify, settings, { always, owns, declare }) {
  let active = always
  const waiting = []
  const seen = new Set()

  function add(instance, route) {
    const methods = [route.method].flat().filter(method => method !== 'OPTIONS')
    // No preflight names a version.
    const { version, ...constraints } = route.constraints ?? {}
    const key = JSON.stringify([route.url, methods, Object.entries(constraints).map(String)])
    if (methods.length === 0 || seen.has(key)) return
    seen.add(key)
    const { routePath, prefix, url, config } = route
    const prefixTrailingSlash =
      routePath === '/' && prefix ? (url.endsWith('/') ? 'slash' : 'no-slash') : undefined
    preflightRoute(
      instance,
      { url: routePath, methods, constraints, config: { cors: config?.cors }, prefixTrailingSlash },
      settings
    )
  }

  fastify.addHook('onRoute', function follow(route) {
    if (!owns(this)) return
    const cors = route.config?.cors
    declare(cors)
    waiting.push([this, route])
    if (active || cors !== undefined) activate()
  })

  function activate() {
    active = true
    for (const [instance, route] of waiting.splice(0)) add(instance, route)
  }
  return activate
}

module.exports = { addCatchAll, followRoutes }
