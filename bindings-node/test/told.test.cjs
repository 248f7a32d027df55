'use strict'
// The diagnostics channel: every adapter tells each decision once, with the name at fault.

const test = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const diagnostics = require('node:diagnostics_channel')
const { Policy, SharedPolicy, cors } = require('..')
const { withCors } = require('../adapters/fetch.cjs')

const A = 'https://a.example'
const EVIL = 'https://evil.example'
const OPTIONS = { origin: [A], methods: ['PUT'], allowedHeaders: ['X-Token'] }
const POLICY = new Policy({ allowOrigins: [A], allowMethods: ['PUT'], allowHeaders: ['X-Token'] })

const preflight = (method, names, origin = A) => ({
  origin,
  'access-control-request-method': method,
  ...(names === undefined ? {} : { 'access-control-request-headers': names })
})

// The request, and what is told of it: reason, deniedName.
const REQUESTS = [
  ['GET', {}, 'no_origin', null],
  ['GET', { origin: A }, 'allowed', null],
  ['GET', { origin: EVIL }, 'origin_not_listed', null],
  ['OPTIONS', preflight('PUT', 'x-token'), 'allowed', null],
  ['OPTIONS', preflight('DELETE'), 'method_not_allowed', 'DELETE'],
  ['OPTIONS', preflight('put'), 'method_case', 'put'],
  ['OPTIONS', preflight('PUT', 'x-token,baggage,b'), 'header_not_allowed', 'baggage'],
  ['OPTIONS', preflight('PUT', 'a b="c"'), 'header_list_malformed', 'a\\x20b\\x3d\\x22c\\x22']
]

async function serve(t, listener) {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return async (method, headers) => {
    const { port } = server.address()
    const options = { host: '127.0.0.1', port, method, headers, agent: false }
    const [res] = await once(http.request(options).end(), 'response')
    res.resume()
    await once(res, 'end')
  }
}

const end = (req, res) => res.end()
const shared = new SharedPolicy(POLICY)
shared.setShadow(new Policy({ allowOrigins: '*' }), () => {})
const ADAPTERS = {
  express: t => {
    const middleware = cors(OPTIONS)
    return serve(t, (req, res) => middleware(req, res, () => end(req, res)))
  },
  'express with a function': t => {
    const middleware = cors({ ...OPTIONS, origin: (origin, done) => done(null, origin === A) })
    return serve(t, (req, res) => middleware(req, res, () => end(req, res)))
  },
  handle: t => serve(t, (req, res) => POLICY.handle(req, res) || end(req, res)),
  shared: t => serve(t, (req, res) => shared.handle(req, res) || end(req, res)),
  fetch: async () => {
    const ask = withCors(async () => new Response('x'), { policy: POLICY })
    return (method, headers) => {
      const entries = Object.entries(headers)
      // Node's Request leaves out what pages may not set.
      const request = { method, headers: new Map(entries), url: 'https://server.example/' }
      return ask(request)
    }
  }
}

for (const [name, start] of Object.entries(ADAPTERS)) {
  test(`${name} tells each decision once`, async t => {
    const send = await start(t)
    const messages = []
    const listen = message => messages.push(message)
    // Nobody hears of this one.
    await send('GET', { origin: EVIL })
    diagnostics.subscribe('crossgate:decision', listen)
    t.after(() => diagnostics.unsubscribe('crossgate:decision', listen))
    for (const [method, headers, reason, deniedName] of REQUESTS) {
      // The second time the answer is remembered.
      for (let turn = 0; turn < 2; turn += 1) {
        messages.length = 0
        await send(method, headers)
        const [message] = messages
        assert.equal(messages.length, 1, `${reason}: ${JSON.stringify(messages)}`)
        assert.deepEqual(
          [message.reason, message.deniedName, message.origin],
          [reason, deniedName, headers.origin ?? null]
        )
        assert.match(message.policy, /^[0-9a-f]{16}$/)
        const isPreflight = 'access-control-request-method' in headers
        assert.equal(message.kind === 'preflight', isPreflight)
        assert.equal(message.action === 'answer', isPreflight)
        assert.equal(message.allowed, reason === 'no_origin' ? null : reason === 'allowed')
      }
    }
  })
}

test('what a request sends is escaped', async t => {
  const send = await ADAPTERS.fetch()
  const messages = []
  const listen = message => messages.push(message)
  diagnostics.subscribe('crossgate:decision', listen)
  t.after(() => diagnostics.unsubscribe('crossgate:decision', listen))
  await send('OPTIONS', preflight('P T\n', 'x', `${EVIL} reason=allowed\n`))
  assert.equal(messages[0].origin, `${EVIL}\\x20reason\\x3dallowed\\x0a`)
  assert.equal(
    POLICY.deniedName('OPTIONS', preflight('P T\u0161\n'), 'method_not_allowed'),
    'P\\x20T\\xff\\x0a'
  )
  assert.equal(POLICY.deniedName('OPTIONS', preflight('GET'), 'allowed'), null)
  assert.throws(() => POLICY.deniedName('OPTIONS', {}, 'nonsense'), TypeError)
  assert.equal(shared.deniedName('OPTIONS', preflight('X'), 'method_not_allowed'), 'X')
})
