// crossgate/koa over real sockets, in the current and the oldest supported release, and over
// HTTP/2.
import assert from 'node:assert/strict'
import { createServer as createHttp2 } from 'node:http2'
import { Readable } from 'node:stream'
import test from 'node:test'
import { A, B, EVIL } from './compare.mjs'
import { ours, require } from './modules.mjs'
import { askHttp2, serve } from './serve.mjs'

const cors = ours('koa')
const { Policy, PolicyError } = ours()
const releases = { 'koa 3': require('koa'), 'koa 2.13.0': require('koa-2') }
const preflight = (origin, method) => ({
  method: 'OPTIONS',
  path: '/',
  headers: { origin, 'access-control-request-method': method }
})
const get = (path, origin = A) => ({ method: 'GET', path, headers: { origin } })
const allowOrigin = response => response.headers['access-control-allow-origin']

const pages = {
  '/': ctx => void (ctx.body = 'home'),
  '/vary': ctx => {
    ctx.set('Vary', 'Accept-Encoding')
    ctx.set('Access-Control-Allow-Origin', '*')
    ctx.body = 'varies'
  },
  '/error': () => {
    throw new Error('broken')
  },
  '/text': () => {
    throw 'broken' // eslint-disable-line no-throw-literal
  },
  '/refused': ctx => ctx.throw(403, 'refused', { headers: { 'x-why': 'because', vary: 'Accept' } }),
  '/stream': ctx => void (ctx.body = Readable.from(['a', 'b'])),
  '/raw': ctx => {
    ctx.respond = false
    ctx.res.writeHead(200, { 'Content-Type': 'text/event-stream', Vary: 'Accept' })
    ctx.res.end('data: 1\n\n')
  },
  '/redirect': ctx => ctx.redirect('/')
}

function application(Koa, middleware) {
  const app = new Koa()
  const errors = []
  app.on('error', error => errors.push(error))
  app.use(middleware)
  app.use(ctx => (ctx.method === 'OPTIONS' ? undefined : pages[ctx.path]?.(ctx)))
  return { app, errors }
}

for (const [release, Koa] of Object.entries(releases)) {
  async function start(t, options) {
    const { app, errors } = application(Koa, cors(options))
    const server = await serve(app.callback())
    t.after(() => server.close())
    return { ...server, errors }
  }

  test(`${release}: every response has the headers, whatever is thrown`, async t => {
    const { send } = await start(t, { origin: [A], credentials: true, exposeHeaders: ['X-Id'] })
    const vary = {
      '/raw': 'Accept, Origin',
      '/refused': 'Accept, Origin',
      '/vary': 'Accept-Encoding, Origin'
    }
    const statuses = {
      '/': 200,
      '/vary': 200,
      '/error': 500,
      '/text': 500,
      '/refused': 403,
      '/stream': 200,
      '/raw': 200,
      '/redirect': 302,
      '/missing': 404
    }
    for (const [path, status] of Object.entries(statuses)) {
      const response = await send(get(path))
      assert.deepEqual(
        [
          response.status,
          allowOrigin(response),
          response.headers['access-control-allow-credentials'],
          response.headers['access-control-expose-headers'],
          response.headers.vary
        ],
        [status, A, 'true', 'X-Id', vary[path] ?? 'Origin'],
        path
      )
      const denied = await send(get(path, EVIL))
      assert.deepEqual(
        [denied.status, allowOrigin(denied), denied.headers.vary],
        [status, undefined, vary[path] ?? 'Origin'],
        path
      )
    }
    assert.equal(allowOrigin(await send({ ...get('/'), method: 'HEAD' })), A)
    assert.equal((await send(get('/refused'))).headers['x-why'], 'because')
  })

  test(`${release}: preflights`, async t => {
    const { send } = await start(t, {
      origin: [A],
      allowMethods: ['PUT'],
      maxAge: '60',
      secureContext: true
    })
    const answered = await send(preflight(A, 'PUT'))
    assert.deepEqual(
      [
        answered.status,
        answered.headers['content-length'],
        allowOrigin(answered),
        answered.headers['access-control-allow-methods'],
        answered.headers['access-control-max-age'],
        answered.headers['cross-origin-opener-policy']
      ],
      [204, undefined, A, 'PUT', '60', 'same-origin']
    )
    const denied = await send(preflight(EVIL, 'PUT'))
    assert.deepEqual(
      [denied.status, allowOrigin(denied), denied.headers['access-control-allow-methods']],
      [204, undefined, undefined]
    )
    const plain = await send({ method: 'OPTIONS', path: '/', headers: { origin: A } })
    assert.deepEqual([plain.status, allowOrigin(plain)], [404, A])
  })

  test(`${release}: functions say yes, no, and fail`, async t => {
    const forms = {
      text: [ctx => ctx.get('Origin') === A && A, true],
      promise: [async ctx => (ctx.get('Origin') === A ? A : ''), true],
      failing: [() => Promise.reject(new Error('no database')), false],
      throwing: [
        () => {
          throw new Error('no database')
        },
        false
      ]
    }
    for (const [name, [origin, isWorking]] of Object.entries(forms)) {
      const { send, errors } = await start(t, { origin, credentials: true })
      const response = await send(get('/'))
      assert.deepEqual(
        [response.status, allowOrigin(response), response.headers.vary],
        [200, isWorking ? A : undefined, 'Origin'],
        name
      )
      assert.equal(allowOrigin(await send(preflight(A, 'PUT'))), isWorking ? A : undefined, name)
      assert.equal(allowOrigin(await send(get('/', EVIL))), undefined, name)
      assert.equal(errors.length, isWorking ? 0 : 3, name)
    }
    const { send } = await start(t, {
      origin: [A, B],
      credentials: async ctx => ctx.get('Origin') === A
    })
    assert.equal((await send(get('/'))).headers['access-control-allow-credentials'], 'true')
    const without = await send(get('/', B))
    assert.deepEqual(
      [allowOrigin(without), without.headers['access-control-allow-credentials']],
      [B, undefined]
    )
  })

  test(`${release}: keepHeadersOnError: false, policy and reject`, async t => {
    const dropping = await start(t, { origin: [A], keepHeadersOnError: false })
    assert.equal(allowOrigin(await dropping.send(get('/'))), A)
    const error = await dropping.send(get('/error'))
    assert.deepEqual(
      [error.status, allowOrigin(error), error.headers.vary],
      [500, undefined, 'Origin']
    )
    const rejecting = await start(t, {
      policy: new Policy({ allowOrigins: [A], deniedActual: 'reject', ownOrigins: [B] })
    })
    assert.deepEqual(
      [(await rejecting.send(get('/'))).status, (await rejecting.send(get('/', B))).status],
      [200, 200]
    )
    const rejected = await rejecting.send(get('/', EVIL))
    assert.deepEqual([rejected.status, rejected.body, rejected.headers.vary], [403, '', 'Origin'])
  })

  test(`${release}: HTTP/2`, async t => {
    const server = createHttp2(application(Koa, cors({ origin: [A] })).app.callback())
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const [vary, text, preflighted] = await askHttp2(server.address().port, [
      { ':path': '/vary', origin: A },
      { ':path': '/text', origin: A },
      { ':method': 'OPTIONS', ':path': '/', origin: A, 'access-control-request-method': 'PUT' }
    ])
    assert.deepEqual(
      [vary['access-control-allow-origin'], vary.vary],
      [A, 'Accept-Encoding, Origin']
    )
    assert.deepEqual([text['access-control-allow-origin'], text.vary], [A, 'Origin'])
    assert.deepEqual(
      [
        preflighted[':status'],
        preflighted['access-control-allow-origin'],
        preflighted['content-length']
      ],
      [204, A, undefined]
    )
  })
}

test('what is wrong is said when the middleware is made', () => {
  const wrong = {
    origin: [
      { origin: /example\.com$/ },
      { origin: /^https:\/\/(?=a)a\.example$/, credentials: () => true },
      { origin: '*', credentials: true },
      { credentials: true },
      { credentials: () => true },
      { origin: '' },
      { origin: `${A},${B}` }
    ],
    allowedHeaders: [{ allowedHeaders: ['X-A'] }],
    maxAge: [{ origin: A, maxAge: 1.5 }],
    credentials: [{ origin: A, credentials: 'yes' }]
  }
  for (const [path, all] of Object.entries(wrong)) {
    for (const options of all)
      assert.throws(
        () => cors(options),
        error =>
          error instanceof PolicyError &&
          error.problems.some(problem => problem.path.startsWith(path)),
        JSON.stringify(options)
      )
  }
})
