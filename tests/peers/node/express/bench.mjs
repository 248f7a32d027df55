// `cors` and crossgate as middleware, side by side: nanoseconds a request over the bare handler, with the workloads and
// goals of the contract. `node bench.mjs [ROUNDS]` prints a table and writes build/bench-express.json.
//
// real: an http.ServerResponse, its head serialised by end(). fake: an object that keeps headers and nothing else.
import http from 'node:http'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import peerCors from 'cors'
import { cors } from 'crossgate'

const ROUNDS = Number(process.argv[2] ?? 250)
const CALLS = 500
const A = 'https://app.example.com'
const OPTIONS = {
  origin: ['https://one.example.com', A, 'https://three.example.com'],
  credentials: true,
  exposedHeaders: ['X-Total-Count', 'X-Request-Id'],
  methods: ['GET', 'PUT'],
  allowedHeaders: ['authorization', 'content-type'],
  maxAge: 7200
}
const list = count => ({ ...OPTIONS, origin: Array.from({ length: count }, (_, i) => `https://host${i}.example.com`) })
const preflight = names => ['OPTIONS', { origin: A, 'access-control-request-method': 'PUT', 'access-control-request-headers': names }]
const last = count => ['GET', { origin: `https://host${count - 1}.example.com` }]

// name: [options, request, goal with a real response, what the peer gets in place of the options, calls]
const WORKLOADS = {
  'W0 no Origin': [OPTIONS, ['GET', {}], 8],
  'W1 actual': [OPTIONS, ['GET', { origin: A }], 2.2],
  'W2 preflight': [OPTIONS, preflight('authorization,content-type'), 5],
  'W3 denied': [OPTIONS, ['GET', { origin: 'https://evil.example' }]],
  'W4 10 origins': [list(10), last(10)],
  'W4 1,000 origins': [list(1000), last(1000)],
  'W4 100,000 origins': [list(100_000), last(100_000), undefined, undefined, 10],
  'W5 wildcard': [{ ...OPTIONS, origin: 'https://*.example.com' }, ['GET', { origin: A }], undefined, { ...OPTIONS, origin: /^https:\/\/(?:[a-z0-9-]+\.)+example\.com$/ }],
  'W6 2,000 names': [OPTIONS, preflight(Array.from({ length: 2000 }, (_, i) => `x${i}`).join()), 10],
  'W6 10,000 commas': [OPTIONS, preflight(','.repeat(10_000)), 10]
}

class Fake {
  constructor() { this.headers = { __proto__: null }; this.statusCode = 200; this.headersSent = false }
  setHeader(name, value) { this.headers[name.toLowerCase()] = value }
  getHeader(name) { return this.headers[name.toLowerCase()] }
  hasHeader(name) { return name.toLowerCase() in this.headers }
  removeHeader(name) { delete this.headers[name.toLowerCase()] }
  appendHeader(name, value) { this.setHeader(name, value) }
  getHeaderNames() { return Object.keys(this.headers) }
  writeHead(status) { this.statusCode = status; this.headersSent = true }
  end() { if (!this.headersSent) this.writeHead(this.statusCode) }
}

const RESPONSES = { real: req => new http.ServerResponse(req), fake: () => new Fake() }

/** What the application does with a request that reaches it; the same for everybody. */
function handler(res) {
  res.setHeader('Content-Type', 'text/plain')
  res.end('ok')
}

function runner(makeResponse, middleware) {
  return ([method, headers], calls) => {
    const start = process.hrtime.bigint()
    for (let i = 0; i < calls; i += 1) {
      // Header texts as a parser makes them: new ones for each request would cost both sides the same.
      const req = { method, headers, url: '/', httpVersionMajor: 1, httpVersionMinor: 1 }
      const res = makeResponse(req)
      middleware(req, res, () => handler(res))
    }
    return Number(process.hrtime.bigint() - start) / calls
  }
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
const results = []
for (const [response, makeResponse] of Object.entries(RESPONSES)) {
  for (const [workload, [options, request, goal, peerOptions, calls = CALLS]] of Object.entries(WORKLOADS)) {
    const sides = {
      bare: runner(makeResponse, (req, res, next) => next()),
      peer: runner(makeResponse, peerCors(peerOptions ?? options)),
      ours: runner(makeResponse, cors(options))
    }
    const times = { bare: [], peer: [], ours: [] }
    for (let round = 0; round < ROUNDS; round += 1) for (const [side, run] of Object.entries(sides)) times[side].push(run(request, calls))
    Object.values(times).forEach(list => list.sort((a, b) => a - b))
    // The quickest tenth is the undisturbed one; what a round of the bare handler wavers by cannot be told from nothing.
    const at = side => quantile(times[side], 0.1)
    const spread = quantile(times.bare, 0.25) - times.bare[0]
    const [peer, ours] = ['peer', 'ours'].map(side => Math.max(at(side) - at('bare'), spread))
    results.push({ response, workload, bare: at('bare'), spread, cors: peer, crossgate: ours, ratio: peer / ours, goal: response === 'real' ? goal ?? null : null })
  }
}

const number = value => Math.round(value).toLocaleString('en').padStart(10)
console.log(`ns over the bare handler, Node ${process.version}, cors 2.8.6, the quickest tenth of ${ROUNDS} rounds\n`)
console.log(`${'response'.padEnd(9)}${'workload'.padEnd(20)}${'bare'.padStart(10)}${'cors'.padStart(10)}${'crossgate'.padStart(10)}${'ratio'.padStart(10)}  goal`)
for (const { response, workload, bare, cors: peer, crossgate: ours, ratio, goal } of results) {
  const verdict = goal === null ? '' : `>= ${goal}${ratio >= goal ? '' : ratio >= goal * 0.85 ? ' (within 15 %)' : ' MISSED'}`
  console.log(`${response.padEnd(9)}${workload.padEnd(20)}${number(bare)}${number(peer)}${number(ours)}${ratio.toFixed(1).padStart(10)}  ${verdict}`)
}
const build = fileURLToPath(new URL('../../../../build/', import.meta.url))
mkdirSync(build, { recursive: true })
writeFileSync(`${build}bench-express.json`, `${JSON.stringify({ peer: 'cors 2.8.6', node: process.version, rounds: ROUNDS, results }, null, 2)}\n`)
