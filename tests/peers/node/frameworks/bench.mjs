// What CORS costs in Fastify, Koa and Hono: ours and their own package, net of the same application without, in one run.
// Real requests and responses of node:http (Fastify, Koa) and of the Fetch API (Hono), without a socket.
// Writes build/bench-frameworks.json. BENCH_ROUNDS=n: more rounds than 7.
import { mkdirSync, writeFileSync } from 'node:fs'
import { IncomingMessage, ServerResponse } from 'node:http'
import { ours, require } from './modules.mjs'

const fastify = require('fastify')
const Koa = require('koa')
const { Hono } = require('hono')

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7)
const ORIGINS = ['https://app.example.com', 'https://admin.example.com', 'https://www.example.com']
const SECOND = ORIGINS[1]
const many = n => Array.from({ length: n }, (_, i) => `https://tenant-${i}.example.com`)
const matches = (origins, origin) => origins.includes(origin)

const get = origin => ({ method: 'GET', headers: origin === undefined ? {} : { origin } })
const preflight = (origin, names) => ({ method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': names } })
const hostile = Array.from({ length: 2000 }, (_, i) => `x${i}`).join(',')

const three = { origins: ORIGINS }
/** Each workload: the origins, the request, and the goal: how many times faster than the peer. */
const workloads = [
  { id: 'W0', what: 'no Origin', ...three, request: get(), goal: 5 },
  { id: 'W1', what: 'actual, 3 origins, credentials', ...three, request: get(SECOND), goal: 3 },
  { id: 'W2', what: 'preflight', ...three, request: preflight(SECOND, 'authorization,content-type'), goal: 3 },
  { id: 'W3', what: 'denied origin', ...three, request: get('https://evil.example'), goal: null },
  ...[10, 1000, 100_000].map(n => ({ id: `W4 ${n}`, what: `${n} origins`, origins: many(n), request: get(`https://tenant-${n - 1}.example.com`), goal: null })),
  { id: 'W4 1000000', what: '1000000 origins, ours alone', origins: many(1_000_000), request: get('https://tenant-999999.example.com'), goal: null, alone: true },
  { id: 'W5', what: 'wildcard', wildcard: true, request: get('https://a.example.com'), goal: null },
  { id: 'W6a', what: 'preflight, 2,000 names in 10 kB', ...three, request: preflight(SECOND, hostile), goal: 3 },
  { id: 'W6b', what: 'preflight, 10,000 commas', ...three, request: preflight(SECOND, ','.repeat(10_000)), goal: 3 }
]

const WILDCARD = /^https:\/\/[a-z0-9-]+\.example\.com$/
const names = { allow: ['Authorization', 'Content-Type'], expose: ['X-Request-Id', 'X-Total'], methods: ['GET', 'PUT'] }

/** The options for a workload: what the peer understands, and ours. */
const options = {
  fastify: ({ origins, wildcard }, own) => ({
    origin: wildcard ? (own ? ['https://*.example.com'] : WILDCARD) : origins,
    credentials: true, allowedHeaders: names.allow, exposedHeaders: names.expose, methods: names.methods, maxAge: 7200
  }),
  koa({ origins, wildcard }, own) {
    const list = wildcard ? ['https://*.example.com'] : origins
    const test = wildcard ? origin => WILDCARD.test(origin) : origin => matches(origins, origin)
    const look = ctx => (test(ctx.get('Origin')) ? ctx.get('Origin') : '')
    return { origin: own ? list : look, credentials: true, allowHeaders: names.allow, exposeHeaders: names.expose, allowMethods: names.methods, maxAge: 7200 }
  },
  hono: ({ origins, wildcard }, own) => ({
    origin: wildcard ? (own ? ['https://*.example.com'] : origin => (WILDCARD.test(origin) ? origin : null)) : origins,
    credentials: true, allowHeaders: names.allow, exposeHeaders: names.expose, allowMethods: names.methods, maxAge: 7200
  })
}

function message({ method, headers }) {
  const req = new IncomingMessage(null)
  req.method = method
  req.url = '/'
  req.headers = { host: 'bench.example', 'user-agent': 'bench', accept: '*/*', ...headers }
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
    return request => {
      const made = new Request('http://bench.example/', request)
      return () => app.fetch(made)
    }
  }
}

const packages = {
  fastify: { peer: require('@fastify/cors'), own: ours('fastify') },
  koa: { peer: require('@koa/cors'), own: ours('koa') },
  hono: { peer: require('hono/cors').cors, own: ours('hono').cors }
}

/** CPU nanoseconds a call. */
async function time(call, calls) {
  const from = process.cpuUsage()
  for (let i = 0; i < calls; i += 1) await call()
  const { user, system } = process.cpuUsage(from)
  return ((user + system) * 1000) / calls
}

/** As many calls as take about 30 ms. */
async function calibrate(call) {
  await time(call, 50)
  const each = await time(call, 200)
  return Math.max(20, Math.min(20_000, Math.round(30e6 / Math.max(each, 1))))
}

async function measure(framework, workload) {
  const { peer, own } = packages[framework]
  const make = frameworks[framework]
  const contenders = { bare: await make(null), own: await make(own, options[framework](workload, true)) }
  if (!workload.alone) contenders.peer = await make(peer, options[framework](workload, false))
  const calls = {}
  const times = {}
  const counts = {}
  for (const [name, to] of Object.entries(contenders)) {
    calls[name] = to(workload.request)
    // Serving: what a page of that origin asks has been asked before.
    for (const request of [get(SECOND), preflight(SECOND, 'content-type')]) await to(request)()
    counts[name] = await calibrate(calls[name])
    times[name] = []
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of Object.keys(calls)) times[name].push(await time(calls[name], counts[name]))
  }
  const least = name => Math.min(...times[name])
  const sorted = times.bare.toSorted((a, b) => a - b)
  const spread = sorted[Math.floor(sorted.length / 2)] - sorted[0]
  const net = name => Math.max(least(name) - least('bare'), spread, 1)
  const cell = { framework, workload: workload.id, what: workload.what, bare: least('bare'), spread, own: net('own'), goal: workload.goal }
  return workload.alone ? cell : { ...cell, peer: net('peer'), ratio: net('peer') / net('own') }
}

const only = process.argv.slice(2)
const cells = []
console.log('net CPU ns a request                         bare    (spread)       peer       ours     ratio     goal')
for (const framework of Object.keys(frameworks)) {
  for (const workload of workloads) {
    if (only.length > 0 && !only.includes(framework) && !only.includes(workload.id)) continue
    const cell = await measure(framework, workload)
    cells.push(cell)
    const number = (value, width = 10) => (value === undefined || value === null ? '-' : value < 100 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value))).padStart(width)
    const met = cell.goal === null || cell.ratio === undefined ? '' : cell.ratio >= cell.goal ? 'met' : cell.ratio >= cell.goal * 0.85 ? 'within 15 %' : 'missed'
    console.log(`${framework.padEnd(8)} ${workload.id.padEnd(10)} ${workload.what.padEnd(32).slice(0, 32)} ${number(cell.bare, 8)} ${number(cell.spread)} ${number(cell.peer)} ${number(cell.own)} ${number(cell.ratio)} ${number(cell.goal, 8)} ${met}`)
  }
}
const build = new URL('../../../../build/', import.meta.url)
mkdirSync(build, { recursive: true })
writeFileSync(new URL('bench-frameworks.json', build), `${JSON.stringify({ node: process.version, rounds: ROUNDS, cells }, null, 2)}\n`)
