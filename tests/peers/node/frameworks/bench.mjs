// What CORS costs in Fastify, Koa and Hono: ours and their own package, net of the same application
// without, in one run. Real requests and responses of node:http, without a socket; Hono with
// @hono/node-server. Prints a table and writes build/bench-frameworks.json. Arguments: the
// frameworks or workloads to measure. BENCH_ROUNDS=n: more rounds, or fewer.
import { IncomingMessage, ServerResponse } from 'node:http'
import { HEADING, ROUNDS, line, measure, save } from '../measure.mjs'
import { ours, require } from './modules.mjs'

const fastify = require('fastify')
const Koa = require('koa')
const { Hono } = require('hono')
const { getRequestListener } = require('@hono/node-server')

const ORIGINS = ['https://app.example.com', 'https://admin.example.com', 'https://www.example.com']
const SECOND = ORIGINS[1]
const many = n => Array.from({ length: n }, (_, i) => `https://tenant-${i}.example.com`)
const matches = (origins, origin) => origins.includes(origin)

const COMMON = { host: 'bench.example', 'user-agent': 'bench', accept: '*/*' }
const request = (method, headers) => ({
  method,
  rawHeaders: Object.entries({ ...COMMON, ...headers }).flat()
})
const get = origin => request('GET', origin === undefined ? {} : { origin })
const preflight = (origin, names) =>
  request('OPTIONS', {
    origin,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': names
  })
const hostile = Array.from({ length: 2000 }, (_, i) => `x${i}`).join(',')

const three = { origins: ORIGINS }
/** Each workload: the origins, the request, and the goal: how many times faster than the peer. */
const workloads = [
  { id: 'W0', what: 'no Origin', ...three, request: get(), goal: 5 },
  { id: 'W1', what: 'actual, 3 origins, credentials', ...three, request: get(SECOND), goal: 3 },
  {
    id: 'W2',
    what: 'preflight',
    ...three,
    request: preflight(SECOND, 'authorization,content-type'),
    goal: 3
  },
  { id: 'W3', what: 'denied origin', ...three, request: get('https://evil.example'), goal: null },
  ...[10, 1000, 100_000].map(n => ({
    id: `W4 ${n}`,
    what: `${n} origins`,
    origins: many(n),
    request: get(`https://tenant-${n - 1}.example.com`),
    goal: null
  })),
  {
    id: 'W4 1000000',
    what: '1000000 origins, ours alone',
    origins: many(1_000_000),
    request: get('https://tenant-999999.example.com'),
    goal: null,
    alone: true
  },
  { id: 'W5', what: 'wildcard', wildcard: true, request: get('https://a.example.com'), goal: null },
  {
    id: 'W6a',
    what: 'preflight, 2,000 names in 10 kB',
    ...three,
    request: preflight(SECOND, hostile),
    goal: 3
  },
  {
    id: 'W6b',
    what: 'preflight, 10,000 commas',
    ...three,
    request: preflight(SECOND, ','.repeat(10_000)),
    goal: 3
  }
]

const WILDCARD = /^https:\/\/[a-z0-9-]+\.example\.com$/
const names = {
  allow: ['Authorization', 'Content-Type'],
  expose: ['X-Request-Id', 'X-Total'],
  methods: ['GET', 'PUT']
}

/** The options for a workload: what the peer understands, and ours. */
const options = {
  fastify: ({ origins, wildcard }, own) => ({
    origin: wildcard ? (own ? ['https://*.example.com'] : WILDCARD) : origins,
    credentials: true,
    allowedHeaders: names.allow,
    exposedHeaders: names.expose,
    methods: names.methods,
    maxAge: 7200
  }),
  koa({ origins, wildcard }, own) {
    const list = wildcard ? ['https://*.example.com'] : origins
    const test = wildcard ? origin => WILDCARD.test(origin) : origin => matches(origins, origin)
    const look = ctx => (test(ctx.get('Origin')) ? ctx.get('Origin') : '')
    return {
      origin: own ? list : look,
      credentials: true,
      allowHeaders: names.allow,
      exposeHeaders: names.expose,
      allowMethods: names.methods,
      maxAge: 7200
    }
  },
  hono: ({ origins, wildcard }, own) => ({
    origin: wildcard
      ? own
        ? ['https://*.example.com']
        : origin => (WILDCARD.test(origin) ? origin : null)
      : origins,
    credentials: true,
    allowHeaders: names.allow,
    exposeHeaders: names.expose,
    allowMethods: names.methods,
    maxAge: 7200
  })
}

function message({ method, rawHeaders }) {
  const req = new IncomingMessage(null)
  req.method = method
  req.url = '/'
  // As the parser of Node does it, and read here and now, so that it is nobody's cost.
  req._addHeaderLines(rawHeaders, rawHeaders.length)
  void req.headers
  return req
}

/** Each makes a function that answers one request, to its end. */
const frameworks = {
  async fastify(cors, settings) {
    const app = fastify()
    if (cors) await app.register(cors, settings)
    app.get('/', (request, reply) => reply.send('hello'))
    if (!cors) app.options('/', (request, reply) => reply.code(204).send())
    await app.ready()
    return request => () => {
      const req = message(request)
      app.routing(req, new ServerResponse(req))
    }
  },
  async koa(cors, settings) {
    const app = new Koa()
    if (cors) app.use(cors(settings))
    app.use(ctx => {
      if (ctx.method === 'OPTIONS') ctx.status = 204
      else ctx.body = 'hello'
    })
    const handle = app.callback()
    return request => () => {
      const req = message(request)
      return handle(req, new ServerResponse(req))
    }
  },
  async hono(cors, settings) {
    const app = new Hono()
    if (cors) app.use('*', cors(settings))
    app.get('/', c => c.text('hello'))
    app.options('/', () => new Response(null, { status: 204 }))
    const listener = getRequestListener(app.fetch)
    return request => () => {
      const req = message(request)
      return listener(req, new ServerResponse(req))
    }
  }
}

const { Policy } = ours()
const packages = {
  fastify: { peer: require('@fastify/cors'), own: ours('fastify') },
  koa: { peer: require('@koa/cors'), own: ours('koa') },
  hono: { peer: require('hono/cors').cors, own: ours('hono').cors }
}

// `ours` for the floor: the same lines by the cheapest public way, for a response that nobody else
// writes CORS to.
const floors = {
  fastify: lines => async app => {
    function writeHead(status, head) {
      const list = lines.slice()
      for (const name in head) list.push(name, head[name])
      return ServerResponse.prototype.writeHead.call(this, status, list)
    }
    app.addHook('onRequest', (request, reply, next) => {
      reply.raw.writeHead = writeHead
      next()
    })
  },
  koa: lines => (ctx, next) => {
    for (let i = 0; i < lines.length; i += 2) ctx.res.setHeader(lines[i], lines[i + 1])
    return next()
  }
}

/** What an actual request is answered, flat. */
function linesFor({ origins, request: { method, rawHeaders } }) {
  return new Policy({ allowOrigins: origins, allowCredentials: true, exposeHeaders: names.expose })
    .evaluate(method, rawHeaders)
    .headers.flat()
}

async function floorFor(framework, workload) {
  if (
    floors[framework] === undefined ||
    workload.goal === null ||
    workload.request.method === 'OPTIONS'
  )
    return null
  const middleware = floors[framework](linesFor(workload))
  if (framework === 'fastify') middleware[Symbol.for('skip-override')] = true
  return frameworks[framework](framework === 'fastify' ? middleware : () => middleware)
}

async function contenders(framework, workload) {
  const { peer, own } = packages[framework]
  const make = frameworks[framework]
  const made = { bare: await make(null), ours: await make(own, options[framework](workload, true)) }
  const floor = await floorFor(framework, workload)
  if (floor !== null) made.floor = floor
  if (!workload.alone) made.peer = await make(peer, options[framework](workload, false))
  // Serving: what a page of that origin asks has been asked before.
  for (const to of Object.values(made))
    for (const request of [get(SECOND), preflight(SECOND, 'content-type')]) await to(request)()
  return Object.fromEntries(Object.entries(made).map(([name, to]) => [name, to(workload.request)]))
}

const only = process.argv.slice(2)
const wanted = (framework, { id }) => only.every(word => word === framework || id.startsWith(word))
console.log(
  `CPU ns a request, Node ${process.version}, the least of ${ROUNDS} rounds\n\n` +
    `${'framework'.padEnd(10)}${'workload'.padEnd(46)}${HEADING}`
)
const cells = []
for (const framework of Object.keys(frameworks)) {
  for (const workload of workloads.filter(workload => wanted(framework, workload))) {
    const { id, what, goal } = workload
    const cell = await measure(await contenders(framework, workload))
    cells.push({ framework, workload: id, what, ...cell, goal })
    console.log(`${framework.padEnd(10)}${`${id} ${what}`.padEnd(46)}${line(cell, goal)}`)
  }
}
if (only.length === 0) save('frameworks', cells)
