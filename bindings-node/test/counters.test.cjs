'use strict'
// Counters beside the options of an adapter: each request is counted once, and so is a response
// whose own headers of CORS are overwritten.

const test = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { Counters, Policy, PolicyError, cors } = require('..')
const { withCors } = require('../adapters/fetch.cjs')

const A = 'https://a.example'
const B = 'https://b.example'
const PREFLIGHT = { origin: A, 'access-control-request-method': 'PUT' }

/** What is counted, without zeros. */
const counted = counters => ({
  ...Object.fromEntries(Object.entries(counters.toJSON()).filter(([, count]) => count > 0)),
  overwrote: counters.overwroteUpstream
})

/** Starts a server; gives a function that sends it a request and waits for the whole answer. */
async function serve(t, listener) {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return async (method, path, headers) => {
    const { port } = server.address()
    const options = { host: '127.0.0.1', port, method, path, headers, agent: false }
    const [res] = await once(http.request(options).end(), 'response')
    res.resume()
    await once(res, 'end')
    return res.headers['access-control-allow-origin']
  }
}

/** A handler that may speak of CORS itself. */
function handler(req, res) {
  if (req.url === '/own') res.setHeader('Access-Control-Allow-Origin', '*')
  if (req.url === '/same') res.setHeader('Access-Control-Allow-Origin', A)
  res.setHeader('Vary', 'Accept')
  res.end()
}

async function ask(send) {
  assert.equal(await send('GET', '/', { origin: A }), A)
  assert.equal(await send('GET', '/own', { origin: A }), A)
  assert.equal(await send('GET', '/same', { origin: A }), A)
  assert.equal(await send('GET', '/own', { origin: B }), undefined)
  assert.equal(await send('GET', '/', {}), undefined)
  assert.equal(await send('OPTIONS', '/', PREFLIGHT), A)
}

const EXPECTED = { allowed: 4, origin_not_listed: 1, no_origin: 1, overwrote: 2 }
const OPTIONS = { origin: [A], credentials: true }
const POLICY = new Policy({ allowOrigins: [A], allowMethods: ['PUT'] })

for (const [what, options] of Object.entries({
  options: OPTIONS,
  'a policy': { policy: POLICY }
})) {
  test(`middleware of ${what}`, { timeout: 300_000 }, async t => {
    const counters = new Counters()
    const middleware = cors({ ...options, counters })
    await ask(await serve(t, (req, res) => middleware(req, res, () => handler(req, res))))
    assert.deepEqual(counted(counters), EXPECTED)
  })
}

test('middleware with a function for origins', { timeout: 300_000 }, async t => {
  const counters = new Counters()
  const middleware = cors({ origin: async origin => origin === A, counters })
  await ask(await serve(t, (req, res) => middleware(req, res, () => handler(req, res))))
  assert.deepEqual(counted(counters), EXPECTED)
})

test('middleware with options for each request', { timeout: 300_000 }, async t => {
  const counters = new Counters()
  const middleware = cors(async () => ({ ...OPTIONS, counters }))
  await ask(await serve(t, (req, res) => middleware(req, res, () => handler(req, res))))
  assert.deepEqual(counted(counters), EXPECTED)
})

test('a policy for plain servers', { timeout: 300_000 }, async t => {
  const counters = new Counters()
  const listener = (req, res) => POLICY.handle(req, res, undefined, counters) || handler(req, res)
  await ask(await serve(t, listener))
  assert.deepEqual(counted(counters), EXPECTED)
  assert.throws(() => POLICY.handle({ method: 'GET', headers: {} }, {}, undefined, {}), TypeError)
})

test('a handler of Requests', { timeout: 300_000 }, async () => {
  const counters = new Counters()
  const handle = withCors(
    request => {
      const path = new URL(request.url).pathname
      const own = { '/own': '*', '/same': A }[path]
      return new Response(null, own && { headers: { 'access-control-allow-origin': own } })
    },
    { ...OPTIONS, counters }
  )
  await ask(async (method, path, headers) => {
    const request = { method, headers: new Headers(headers), url: `http://127.0.0.1${path}` }
    return (await handle(request)).headers.get('access-control-allow-origin') ?? undefined
  })
  assert.deepEqual(counted(counters), EXPECTED)
})

test('what is no Counters is refused', () => {
  for (const wrong of [{}, 5, () => {}])
    assert.throws(
      () => cors({ ...OPTIONS, counters: wrong }),
      error => error instanceof PolicyError && error.problems[0].path === 'counters'
    )
})
