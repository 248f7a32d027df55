// `cors` and crossgate as middleware, side by side: CPU nanoseconds a request over the bare
// handler, with the workloads and goals of the contract. Prints a table and writes
// build/bench-express.json. BENCH_ROUNDS=n: more rounds, or fewer.
//
// real: an http.ServerResponse, its head serialised by end(). fake: an object that keeps headers
// and nothing else.
import http from 'node:http'
import peerCors from 'cors'
import { Policy, cors } from 'crossgate'
import { HEADING, ROUNDS, line, measure, save } from '../measure.mjs'

const A = 'https://app.example.com'
const OPTIONS = {
  origin: ['https://one.example.com', A, 'https://three.example.com'],
  credentials: true,
  exposedHeaders: ['X-Total-Count', 'X-Request-Id'],
  methods: ['GET', 'PUT'],
  allowedHeaders: ['authorization', 'content-type'],
  maxAge: 7200
}
const list = count => ({
  ...OPTIONS,
  origin: Array.from({ length: count }, (_, i) => `https://host${i}.example.com`)
})
const preflight = names => [
  'OPTIONS',
  { origin: A, 'access-control-request-method': 'PUT', 'access-control-request-headers': names }
]
const last = count => ['GET', { origin: `https://host${count - 1}.example.com` }]

// name: [options, request, goal with a real response, what the peer gets in place of the options]
const WORKLOADS = {
  'W0 no Origin': [OPTIONS, ['GET', {}], 8],
  'W1 actual': [OPTIONS, ['GET', { origin: A }], 2.2],
  'W2 preflight': [OPTIONS, preflight('authorization,content-type'), 5],
  'W3 denied': [OPTIONS, ['GET', { origin: 'https://evil.example' }]],
  'W4 10 origins': [list(10), last(10)],
  'W4 1,000 origins': [list(1000), last(1000)],
  'W4 100,000 origins': [list(100_000), last(100_000)],
  'W5 wildcard': [
    { ...OPTIONS, origin: 'https://*.example.com' },
    ['GET', { origin: A }],
    undefined,
    { ...OPTIONS, origin: /^https:\/\/(?:[a-z0-9-]+\.)+example\.com$/ }
  ],
  'W6 2,000 names': [
    OPTIONS,
    preflight(Array.from({ length: 2000 }, (_, i) => `x${i}`).join()),
    10
  ],
  'W6 10,000 commas': [OPTIONS, preflight(','.repeat(10_000)), 10]
}

class Fake {
  constructor() {
    this.headers = { __proto__: null }
    this.statusCode = 200
    this.headersSent = false
  }
  setHeader(name, value) {
    this.headers[name.toLowerCase()] = value
  }
  getHeader(name) {
    return this.headers[name.toLowerCase()]
  }
  hasHeader(name) {
    return name.toLowerCase() in this.headers
  }
  removeHeader(name) {
    delete this.headers[name.toLowerCase()]
  }
  appendHeader(name, value) {
    this.setHeader(name, value)
  }
  getHeaderNames() {
    return Object.keys(this.headers)
  }
  writeHead(status) {
    this.statusCode = status
    this.headersSent = true
  }
  end() {
    if (!this.headersSent) this.writeHead(this.statusCode)
  }
}

const RESPONSES = { real: req => new http.ServerResponse(req), fake: () => new Fake() }

/** What the application does with a request that reaches it; the same for everybody. */
function handler(res) {
  res.setHeader('Content-Type', 'text/plain')
  res.end('ok')
}

/** No middleware could write the same lines for less, as long as handlers are to see them. */
const floor = lines => (req, res, next) => {
  for (const [name, value] of lines) res.setHeader(name, value)
  next()
}

/** What an allowed origin is answered, or, to requests without one and to others, `Vary` alone. */
const linesFor = (options, [method, headers]) =>
  method === 'OPTIONS'
    ? null
    : new Policy({
        allowOrigins: options.origin,
        allowCredentials: true,
        exposeHeaders: options.exposedHeaders
      }).evaluate(method, headers).headers

function runner(makeResponse, middleware, [method, headers]) {
  return () => {
    const req = { method, headers, url: '/', httpVersionMajor: 1, httpVersionMinor: 1 }
    const res = makeResponse(req)
    middleware(req, res, () => handler(res))
  }
}

console.log(
  `CPU ns a request, Node ${process.version}, cors 2.8.6, the least of ${ROUNDS} rounds\n\n` +
    `${'response'.padEnd(9)}${'workload'.padEnd(20)}${HEADING}`
)
const cells = []
for (const [response, makeResponse] of Object.entries(RESPONSES)) {
  for (const [
    workload,
    [options, request, goalWhenReal = null, peerOptions = options]
  ] of Object.entries(WORKLOADS)) {
    const goal = response === 'real' ? goalWhenReal : null
    const lines = goal === null ? null : linesFor(options, request)
    const cell = await measure({
      bare: runner(makeResponse, (req, res, next) => next(), request),
      peer: runner(makeResponse, peerCors(peerOptions), request),
      ours: runner(makeResponse, cors(options), request),
      ...(lines === null ? {} : { floor: runner(makeResponse, floor(lines), request) })
    })
    cells.push({ response, workload, ...cell, goal })
    console.log(`${response.padEnd(9)}${workload.padEnd(20)}${line(cell, goal)}`)
  }
}
save('express', cells)
