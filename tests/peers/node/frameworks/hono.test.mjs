// crossgate/hono and crossgate/fetch: in the current and the oldest supported release, and over
// real sockets.
import assert from 'node:assert/strict'
import { createServer as createHttp2 } from 'node:http2'
import test from 'node:test'
import { A, B, EVIL } from './compare.mjs'
import { ours, require } from './modules.mjs'
import { ask, askHttp2 } from './serve.mjs'

const { cors } = ours('hono')
const { withCors } = ours('fetch')
const { Policy, PolicyError, SharedPolicy } = ours()
const { getRequestListener, serve } = require('@hono/node-server')
const releases = { 'hono 4': require('hono').Hono, 'hono 4.0.0': require('hono-oldest').Hono }
const preflight = (origin, method) => ({
  method: 'OPTIONS',
  path: '/',
  headers: { origin, 'access-control-request-method': method }
})
const get = (path, origin = A) => ({ method: 'GET', path, headers: { origin } })
const allowOrigin = response => response.headers['access-control-allow-origin']

/** A fetch handler behind a socket. */
async function listen(t, fetch) {
  const server = serve({ fetch, port: 0, hostname: '127.0.0.1', overrideGlobalObjects: false })
  if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
  t.after(() => new Promise(resolve => server.close(resolve)))
  return request => ask(server.address().port, request)
}

function application(Hono, options) {
  const app = new Hono()
  app.onError((error, c) => c.text('failed', 500))
  app.use('*', cors(options))
  app.get('/', c => c.text('home'))
  app.get('/vary', c =>
    c.text('varies', 200, { Vary: 'Accept-Encoding', 'Access-Control-Allow-Origin': '*' })
  )
  app.get('/header', c => {
    c.header('Vary', 'Accept-Encoding', { append: true })
    c.header('Access-Control-Allow-Origin', '*')
    return c.json({})
  })
  app.notFound(c => c.text('nothing', 404, { Vary: 'Accept-Encoding' }))
  app.get('/redirect', () => Response.redirect('http://127.0.0.1/elsewhere', 302))
  app.get(
    '/stream',
    () =>
      new Response(
        new ReadableStream({
          start: controller => (
            controller.enqueue(new TextEncoder().encode('ab')),
            controller.close()
          )
        })
      )
  )
  app.get('/error', () => {
    throw new Error('broken')
  })
  return app
}

for (const [release, Hono] of Object.entries(releases)) {
  test(`${release}: HTTP/2`, async t => {
    const server = createHttp2(
      getRequestListener(application(Hono, { origin: [A] }).fetch, { overrideGlobalObjects: false })
    )
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const [home, varies, preflighted] = await askHttp2(server.address().port, [
      { ':path': '/', origin: A },
      { ':path': '/vary', origin: EVIL },
      { ':method': 'OPTIONS', ':path': '/', origin: A, 'access-control-request-method': 'PUT' }
    ])
    assert.deepEqual(
      [home[':status'], home['access-control-allow-origin'], home.vary],
      [200, A, 'Origin']
    )
    assert.deepEqual(
      [varies['access-control-allow-origin'], varies.vary],
      [undefined, 'Accept-Encoding, Origin']
    )
    assert.deepEqual(
      [
        preflighted[':status'],
        preflighted['access-control-allow-origin'],
        preflighted['content-length']
      ],
      [204, A, undefined]
    )
  })

  test(`${release}: every response has the headers, the immutable ones too`, async t => {
    const send = await listen(
      t,
      application(Hono, { origin: [A], credentials: true, exposeHeaders: ['X-Id'] }).fetch
    )
    const statuses = {
      '/': 200,
      '/vary': 200,
      '/header': 200,
      '/redirect': 302,
      '/stream': 200,
      '/error': 500,
      '/missing': 404
    }
    for (const [path, status] of Object.entries(statuses)) {
      // Hono 4.0 answers what no route has after all middleware, and puts the handler's headers
      // over what there is.
      const vary =
        path === '/missing' && release === 'hono 4.0.0'
          ? 'Accept-Encoding'
          : ['/vary', '/header', '/missing'].includes(path)
            ? 'Accept-Encoding, Origin'
            : 'Origin'
      const response = await send(get(path))
      assert.deepEqual(
        [
          response.status,
          allowOrigin(response),
          response.headers['access-control-allow-credentials'],
          response.headers['access-control-expose-headers'],
          response.headers.vary
        ],
        [status, A, 'true', 'X-Id', vary],
        path
      )
      const denied = await send(get(path, EVIL))
      assert.deepEqual(
        [denied.status, allowOrigin(denied), denied.headers.vary],
        [status, undefined, vary],
        path
      )
    }
    assert.equal((await send(get('/redirect'))).headers.location, 'http://127.0.0.1/elsewhere')
    assert.equal((await send(get('/stream'))).body, 'ab')
    const head = await send({ ...get('/'), method: 'HEAD' })
    assert.deepEqual([head.status, allowOrigin(head), head.body], [200, A, ''])
  })

  test(`${release}: preflights, each a response of its own`, async t => {
    const send = await listen(
      t,
      application(Hono, { origin: [A], allowMethods: ['PUT'], maxAge: 60 }).fetch
    )
    for (let i = 0; i < 3; i += 1) {
      const answered = await send(preflight(A, 'PUT'))
      assert.deepEqual(
        [
          answered.status,
          answered.body,
          answered.headers['content-length'],
          allowOrigin(answered),
          answered.headers['access-control-allow-methods'],
          answered.headers['access-control-max-age']
        ],
        [204, '', undefined, A, 'PUT', '60']
      )
    }
    const denied = await send(preflight(EVIL, 'PUT'))
    assert.deepEqual([denied.status, allowOrigin(denied)], [204, undefined])
    assert.equal((await send({ method: 'OPTIONS', path: '/', headers: {} })).status, 404)
  })

  test(`${release}: functions say yes, no, and fail`, async t => {
    const logged = t.mock.method(console, 'error', () => {})
    const forms = {
      text: [origin => (origin === A ? A : null), true],
      promise: [async origin => origin === A, true],
      failing: [() => Promise.reject(new Error('no database')), false]
    }
    for (const [name, [origin, isWorking]] of Object.entries(forms)) {
      const send = await listen(t, application(Hono, { origin, credentials: true }).fetch)
      const response = await send(get('/'))
      assert.deepEqual(
        [response.status, allowOrigin(response), response.headers.vary],
        [200, isWorking ? A : undefined, 'Origin'],
        name
      )
      assert.equal(allowOrigin(await send(get('/', EVIL))), undefined, name)
    }
    assert.equal(logged.mock.callCount(), 2)
    const send = await listen(
      t,
      application(Hono, {
        origin: [A, B],
        allowMethods: async origin => (origin === A ? ['PUT'] : 5)
      }).fetch
    )
    assert.equal((await send(preflight(A, 'PUT'))).headers['access-control-allow-methods'], 'PUT')
    const failed = await send(preflight(B, 'PUT'))
    assert.deepEqual(
      [failed.status, allowOrigin(failed), failed.headers['access-control-allow-methods']],
      [204, B, undefined]
    )
  })
}

test('a fetch handler: its responses, its arguments, its errors', async t => {
  const handler = withCors(
    async (request, ...rest) =>
      rest.length === 0 ? Response.redirect('http://127.0.0.1/', 302) : new Response(String(rest)),
    { origin: [A] }
  )
  const send = await listen(t, request => handler(request))
  const response = await send(get('/'))
  assert.deepEqual(
    [response.status, allowOrigin(response), response.headers.vary],
    [302, A, 'Origin']
  )
  assert.equal((await send(preflight(A, 'GET'))).status, 204)
  const greeted = await handler(
    new Request('http://127.0.0.1/', { headers: { origin: A } }),
    'env',
    'context'
  )
  assert.equal(await greeted.text(), 'env,context')
  await assert.rejects(
    withCors(() => Promise.reject(new Error('broken')))(new Request('http://127.0.0.1/')),
    /broken/
  )
})

test('a fetch handler: what a policy rejects, and whom it exempts', async () => {
  const handler = withCors(() => new Response('home'), {
    policy: new Policy({
      allowOrigins: [A],
      deniedActual: 'reject',
      ownOrigins: [B],
      preflightStatus: 200
    })
  })
  const ask = headers => handler(new Request('http://127.0.0.1/', { headers }))
  const rejected = await ask({ origin: EVIL })
  assert.deepEqual(
    [rejected.status, rejected.headers.get('vary'), rejected.headers.get('content-length')],
    [403, 'Origin', '0']
  )
  // undici's Request drops `Sec-` names, as in a browser; servers' requests have them.
  const site = {
    method: 'GET',
    headers: new Map([
      ['origin', EVIL],
      ['sec-fetch-site', 'same-origin']
    ])
  }
  site.headers.get = name => Map.prototype.get.call(site.headers, name) ?? null
  assert.equal((await handler(site)).status, 200)
  const answered = await handler(
    new Request('http://127.0.0.1/', {
      method: 'OPTIONS',
      headers: { origin: A, 'access-control-request-method': 'GET' }
    })
  )
  assert.deepEqual([answered.status, answered.headers.get('content-length')], [200, '0'])
})

test('a fetch handler: an origin function is asked once, also about what is rejected', async () => {
  for (const wrap of [word => word, word => Promise.resolve(word)]) {
    const asked = []
    const policy = new Policy({
      allowOrigins: [A],
      deniedActual: 'reject',
      ownOrigins: [B],
      originPredicate: true
    })
    const handler = withCors(() => new Response('home'), {
      policy,
      origin: origin => {
        asked.push(origin)
        return wrap(false)
      }
    })
    assert.equal(
      (await handler(new Request('http://127.0.0.1/', { headers: { origin: EVIL } }))).status,
      403
    )
    const headers = new Map([
      ['origin', EVIL],
      ['sec-fetch-site', 'same-origin']
    ])
    assert.equal(
      (await handler({ method: 'GET', headers: { get: name => headers.get(name) ?? null } }))
        .status,
      200
    )
    assert.deepEqual(asked, [EVIL, EVIL])
  }
})

test('a fetch handler: a request is answered by the policy that it began with', async () => {
  const before = { allowOrigins: [A], allowMethods: ['PUT'], allowHeaders: ['x-a'] }
  const policy = new SharedPolicy({ ...before, originPredicate: true, allowCredentials: true })
  const handler = withCors(() => new Response('home'), {
    policy,
    origin: async () => {
      policy.replace({ allowOrigins: ['https://other.example'] })
      return true
    }
  })
  const headers = { origin: 'https://b.example', 'access-control-request-method': 'PUT' }
  const ask = () => handler(new Request('http://127.0.0.1/', { method: 'OPTIONS', headers }))
  const names = 'access-control-allow-headers'
  assert.equal((await ask()).headers.get(names), 'x-a')
  assert.equal((await ask()).headers.get(names), null)
})

test('a switched protocol and an error without a head are left as they are', async () => {
  for (const status of [101, 0]) {
    const response = Object.defineProperty(Response.error(), 'status', { value: status })
    assert.equal(
      await withCors(() => response, { origin: [A] })(
        new Request('http://127.0.0.1/', { headers: { origin: A } })
      ),
      response
    )
  }
})

test('what is wrong is said when the middleware is made', () => {
  for (const make of [
    options => cors(options),
    options => withCors(() => new Response(), options)
  ]) {
    for (const [path, options] of [
      ['origin', { credentials: true }],
      ['origin', { origin: '' }],
      ['origin[0]', { origin: [5] }],
      ['exposedHeaders', { exposedHeaders: [] }],
      ['origin', { origin: /example\.com$/ }],
      ['origin[0]', { origin: [/^https:\/\/(?=a)a\.example$/], credentials: true }],
      ['allowMethods', { allowMethods: 5 }]
    ]) {
      assert.throws(
        () => make(options),
        error =>
          error instanceof PolicyError && error.problems.some(problem => problem.path === path),
        JSON.stringify(options)
      )
    }
  }
  assert.throws(() => withCors({}), TypeError)
})
