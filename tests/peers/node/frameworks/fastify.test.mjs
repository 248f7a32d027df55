// crossgate/fastify over real sockets, in the current and the oldest supported release, and over
// HTTP/2.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { A, B, EVIL } from './compare.mjs'
import { ours, require } from './modules.mjs'
import { ask, askHttp2 } from './serve.mjs'

const cors = ours('fastify')
const { Policy, PolicyError } = ours()

// Fastify 5 takes Node 20 and later.
const hasFastify5 = Number.parseInt(process.versions.node, 10) >= 20
const releases = {
  ...(hasFastify5 && { 'fastify 5': require('fastify') }),
  'fastify 4.0.0': require('fastify-4')
}
const preflight = (origin, method, path = '/') => ({
  method: 'OPTIONS',
  path,
  headers: { origin, 'access-control-request-method': method }
})
const get = (path, origin = A) => ({ method: 'GET', path, headers: { origin } })

/** An application that listens until the test is over: `send(request)`. */
async function listen(t, fastify, build, options = {}) {
  const app = fastify(options)
  await build(app)
  t.after(() => app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address()
  return { app, port, send: request => ask(port, request) }
}

const allowOrigin = response => response.headers['access-control-allow-origin']

for (const [release, fastify] of Object.entries(releases)) {
  test(`${release}: every response has the headers`, async t => {
    const { send } = await listen(t, fastify, async app => {
      await app.register(cors, { origin: [A], credentials: true, exposedHeaders: ['X-Id'] })
      app.get('/', (request, reply) => reply.send('home'))
      app.get('/error', async () => Promise.reject(new Error('broken')))
      app.get('/vary', (request, reply) =>
        reply
          .header('Vary', 'Accept-Encoding')
          .header('Access-Control-Allow-Origin', '*')
          .send('varies')
      )
      app.get('/cookies', (request, reply) =>
        reply.header('set-cookie', ['a=1', 'b=2']).header('x-own', 5).send('c')
      )
      app.get('/unchanged', (request, reply) => reply.code(304).header('etag', '"x"').send())
      app.get('/pairs', (request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200, 'Fine', ['Vary', 'Accept', 'Access-Control-Allow-Origin', '*'])
        reply.raw.end('x')
      })
      app.get('/set', (request, reply) => {
        reply.hijack()
        reply.raw.setHeader('Vary', 'Accept')
        reply.raw.writeHead(200, { 'x-own': 'x' })
        reply.raw.end('x')
      })
      app.get('/events', (request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200, { 'Content-Type': 'text/event-stream', Vary: 'Accept' })
        reply.raw.end('data: 1\n\n')
      })
      app.get('/implicit', (request, reply) => {
        reply.hijack()
        reply.raw.write('a')
        reply.raw.end('b')
      })
      app.get('/stream', (request, reply) =>
        reply.send(require('node:stream').Readable.from(['a', 'b']))
      )
      app.get('/redirect', (request, reply) => reply.code(302).header('location', '/').send())
    })
    const expected = {
      '/': [200, 'home'],
      '/error': [500],
      '/missing': [404],
      '/%zz': [400],
      '/%zz;': [400],
      '/;%zz': release === 'fastify 5' ? [400] : [200, 'home'],
      '/stream': [200, 'ab'],
      '/redirect': [302, ''],
      '/implicit': [200, 'ab'],
      '/cookies': [200, 'c'],
      '/unchanged': [304, '']
    }
    for (const [path, [status, body]] of Object.entries(expected)) {
      const response = await send(get(path))
      assert.equal(response.status, status, path)
      if (body !== undefined) assert.equal(response.body, body)
      assert.deepEqual(
        [
          allowOrigin(response),
          response.headers['access-control-allow-credentials'],
          response.headers['access-control-expose-headers'],
          response.headers.vary
        ],
        [A, 'true', 'X-Id', 'Origin'],
        path
      )
      const denied = await send(get(path, EVIL))
      assert.deepEqual(
        [denied.status, allowOrigin(denied), denied.headers.vary],
        [status, undefined, 'Origin'],
        path
      )
    }
    const merged = await send(get('/vary'))
    assert.deepEqual([allowOrigin(merged), merged.headers.vary], [A, 'Accept-Encoding, Origin'])
    assert.equal(allowOrigin(await send(get('/vary', EVIL))), undefined)
    const events = await send(get('/events'))
    assert.deepEqual(
      [allowOrigin(events), events.headers.vary, events.body],
      [A, 'Accept, Origin', 'data: 1\n\n']
    )
    for (const path of ['/pairs', '/set']) {
      const raw = await send(get(path))
      assert.deepEqual(
        [allowOrigin(raw), raw.headers.vary, raw.body],
        [A, 'Accept, Origin', 'x'],
        path
      )
      assert.equal(allowOrigin(await send(get(path, EVIL))), undefined, path)
    }
    const cookies = (await send(get('/cookies'))).headers
    assert.deepEqual([cookies['set-cookie'], cookies['x-own']], [['a=1', 'b=2'], '5'])
    const head = await send({ ...get('/'), method: 'HEAD' })
    assert.equal(allowOrigin(head), A)
  })

  test(`${release}: preflights are answered before hooks that would refuse them`, async t => {
    const { send } = await listen(t, fastify, async app => {
      app.addHook(
        'onRequest',
        async (request, reply) => void reply.header('strict-transport-security', 'max-age=1')
      )
      await app.register(cors, { origin: [A], methods: ['PUT'], maxAge: 60, cacheControl: 30 })
      app.addHook(
        'onRequest',
        async (request, reply) =>
          void (request.headers.authorization ?? reply.code(401).send('who?'))
      )
      app.put('/', async () => 'put')
    })
    const answered = await send(preflight(A, 'PUT'))
    assert.equal(answered.status, 204)
    assert.equal(answered.headers['content-length'], undefined)
    assert.deepEqual(
      [
        allowOrigin(answered),
        answered.headers['access-control-allow-methods'],
        answered.headers['access-control-max-age'],
        answered.headers['cache-control'],
        answered.headers['strict-transport-security']
      ],
      [A, 'PUT', '60', 'max-age=30', 'max-age=1']
    )
    const refused = await send({ method: 'PUT', path: '/', headers: { origin: A } })
    assert.deepEqual([refused.status, allowOrigin(refused)], [401, A])
    const plain = await send({ method: 'OPTIONS', path: '/', headers: { origin: A } })
    assert.deepEqual([plain.status, plain.body], [400, 'Invalid Preflight Request'])
  })

  test(`${release}: a preflight gets the policy of the route that it asks for`, async t => {
    const { send } = await listen(t, fastify, async app => {
      await app.register(cors, { origin: [A], methods: ['GET', 'PUT', 'DELETE'] })
      app.put('/items/special', async () => 'special')
      app.put(
        '/items/:id',
        { config: { cors: { origin: [B], methods: ['PUT'] } } },
        async () => 'item'
      )
      app.get('/items/:id', { config: { cors: false } }, async () => 'item')
      app.options('/items/:id', async () => 'my own options')
      app.route({
        method: ['GET', 'DELETE'],
        url: '/both',
        config: { cors: { origin: [B] } },
        handler: async () => 'both'
      })
    })
    const allowed = async (origin, method, path) =>
      allowOrigin(await send(preflight(origin, method, path)))
    assert.equal(await allowed(B, 'PUT', '/items/1'), B)
    assert.equal(await allowed(A, 'PUT', '/items/1'), undefined)
    assert.equal(await allowed(A, 'PUT', '/items/special'), A)
    assert.equal(await allowed(B, 'PUT', '/items/special'), undefined)
    assert.equal((await send(preflight(A, 'GET', '/items/1'))).status, 404)
    assert.equal(allowOrigin(await send(get('/items/1'))), undefined)
    assert.equal(await allowed(B, 'DELETE', '/both'), B)
    assert.equal(await allowed(A, 'DELETE', '/both'), undefined)
    assert.equal(await allowed(A, 'DELETE', '/elsewhere'), A)
    assert.equal(
      (await send({ method: 'OPTIONS', path: '/items/1', headers: {} })).body,
      'my own options'
    )
  })

  test(`${release}: strictPreflight, optionsSuccessStatus, hideOptionsRoute`, async t => {
    const schemas = []
    const { app, send } = await listen(t, fastify, async app => {
      app.addHook(
        'onRoute',
        route => route.method === 'OPTIONS' && schemas.push(route.schema?.hide)
      )
      await app.register(cors, {
        origin: [A],
        strictPreflight: false,
        optionsSuccessStatus: 200,
        hideOptionsRoute: false,
        cacheControl: 'max-age=9'
      })
      app.get('/', { config: { cors: { origin: [B] } } }, async () => 'home')
    })
    const plain = await send({ method: 'OPTIONS', path: '/', headers: {} })
    assert.deepEqual([plain.status, plain.body], [200, ''])
    const answered = await send(preflight(B, 'GET'))
    assert.deepEqual(
      [
        answered.status,
        answered.headers['content-length'],
        allowOrigin(answered),
        answered.headers['cache-control']
      ],
      [200, '0', B, 'max-age=9']
    )
    assert.ok(schemas.length > 0 && schemas.every(hide => hide === false), String(schemas))
    const injected = await app.inject({ url: '/', headers: { origin: B } })
    assert.deepEqual(
      [injected.body, injected.headers['access-control-allow-origin'], injected.headers.vary],
      ['home', B, 'Origin']
    )
  })

  test(`${release}: a plugin inside a prefix answers alone there`, async t => {
    const { send } = await listen(t, fastify, async app => {
      await app.register(cors, { origin: [A] })
      app.get('/', async () => 'outer')
      app.register(
        async inner => {
          inner.register(cors, { origin: [B], methods: ['PUT'] })
          inner.get('/', async () => 'inner')
          inner.put('/x', async () => 'x')
        },
        { prefix: '/inner' }
      )
    })
    assert.deepEqual(
      [
        allowOrigin(await send(get('/'))),
        allowOrigin(await send(get('/inner'))),
        allowOrigin(await send(get('/inner', B)))
      ],
      [A, undefined, B]
    )
    for (const [path, method] of [
      ['/inner', 'GET'],
      ['/inner/x', 'PUT'],
      ['/inner/missing', 'PUT']
    ]) {
      assert.equal(allowOrigin(await send(preflight(B, method, path))), B, path)
      assert.equal(allowOrigin(await send(preflight(A, method, path))), undefined, path)
    }
  })

  test(`${release}: what a delegate or a function may answer, and when`, async t => {
    const late = answer => async (asked, callback) => {
      setTimeout(callback, 5, null, answer)
    }
    const own = { origin: [A], credentials: true }
    const cases = [
      // Only A.
      [{ delegator: late(own) }, [A, undefined]],
      [{ delegator: (request, callback = () => {}) => callback(null, own) }, [A, undefined]],
      [{ delegator: () => own }, [A, undefined]],
      [{ origin: late(A) }, [A, undefined]],
      [{ origin: async (asked, callback) => void callback(null, asked === A) }, [A, undefined]],
      [
        { origin: (asked, callback, request) => callback(null, request.url && asked === A) },
        [A, undefined]
      ],
      // Nobody.
      [{ delegator: (request, callback) => callback(null, undefined) }, [undefined, undefined]],
      [{ delegator: (request, callback) => callback(null, true) }, [undefined, undefined]],
      [{ delegator: async () => ({ origin: undefined }) }, [undefined, undefined]],
      [{ delegator: async () => ({ origin: '' }) }, [undefined, undefined]],
      [{ delegator: async () => {}, verdictTimeout: 20 }, [undefined, undefined]],
      [{ delegator: () => new Promise(() => {}), verdictTimeout: 20 }, [undefined, undefined]],
      [{ origin: () => new Promise(() => {}), verdictTimeout: 20 }, [undefined, undefined]],
      [{ origin: late('*'), credentials: true }, [undefined, undefined]],
      [{ origin: late(undefined) }, [undefined, undefined]]
    ]
    for (const [options, expected] of cases) {
      const { send } = await listen(t, fastify, async app => {
        await app.register(cors, options)
        app.get('/', (request, reply) => reply.send('home'))
      })
      const found = [await send(get('/')), await send(get('/', EVIL))]
      const what = `${Object.keys(options)} ${options.delegator ?? options.origin}`
      assert.deepEqual(found.map(allowOrigin), expected, what)
      assert.deepEqual(
        found.map(({ status }) => status),
        [200, 200],
        what
      )
    }
  })

  test(`${release}: an origin of a route that is not set stops the application`, async t => {
    for (const [path, options, route] of [
      ['config.cors.origin', { origin: [A] }, { origin: undefined }],
      ['config.cors.origin', { origin: [A] }, { origin: null }],
      ['config.cors.policy', { origin: [A] }, { policy: undefined }],
      ['origin', { origin: undefined }, true],
      ['origin', { origin: process.env.CROSSGATE_NOT_SET }, true],
      ['delegator', { delegator: undefined, origin: [A] }, true],
      ['policy', { policy: undefined, origin: [A] }, true]
    ]) {
      const app = fastify()
      t.after(() => app.close())
      await assert.rejects(
        async () => {
          await app.register(cors, options)
          app.get('/', { config: { cors: route } }, async () => 'home')
          await app.ready()
        },
        error => error.problems.some(one => one.code === 'option_unset' && one.path === path),
        path
      )
    }
  })

  test(`${release}: functions and delegates say yes, no, and fail`, async t => {
    const failing = async () => {
      throw new Error('no database')
    }
    const forms = {
      async: async origin => origin === A,
      callback: (origin, done) => setImmediate(done, null, origin === A),
      list: async () => [/^https:\/\/a\.example\.com$/],
      failing,
      throwing: (origin, done) => {
        throw new Error(`no ${typeof done}`)
      },
      text: async () => 'yes'
    }
    for (const [name, origin] of Object.entries(forms)) {
      const { send } = await listen(t, fastify, async app => {
        await app.register(cors, { origin, credentials: true })
        app.get('/', async () => 'home')
      })
      const isWorking = ['async', 'callback', 'list'].includes(name)
      const response = await send(get('/'))
      assert.deepEqual(
        [response.status, response.body, allowOrigin(response), response.headers.vary],
        [200, 'home', isWorking ? A : undefined, 'Origin'],
        name
      )
      assert.equal(allowOrigin(await send(preflight(A, 'GET'))), isWorking ? A : undefined, name)
      assert.equal(allowOrigin(await send(get('/', EVIL))), undefined, name)
      assert.equal((await send({ method: 'GET', path: '/', headers: {} })).status, 200, name)
    }
    const delegates = {
      promise: async request => ({ origin: request.headers['x-tenant'] === 'b' ? B : A }),
      callback: (request, done) =>
        done(null, { origin: request.headers['x-tenant'] === 'b' ? B : A })
    }
    for (const [name, delegator] of Object.entries(delegates)) {
      for (const options of [{ delegator }, () => delegator]) {
        const { send } = await listen(t, fastify, async app => {
          await app.register(cors, options)
          app.get('/', async () => 'home')
        })
        const other = await send({
          method: 'GET',
          path: '/',
          headers: { origin: B, 'x-tenant': 'b' }
        })
        assert.deepEqual(
          [
            allowOrigin(await send(get('/'))),
            allowOrigin(await send(get('/', B))),
            allowOrigin(other),
            other.headers.vary
          ],
          [A, undefined, B, 'Origin'],
          name
        )
      }
    }
    const { send } = await listen(t, fastify, async app => {
      await app.register(cors, { delegator: failing })
      app.get('/', async () => 'home')
    })
    const response = await send(get('/'))
    assert.deepEqual(
      [response.status, allowOrigin(response), response.headers.vary],
      [200, undefined, 'Origin']
    )
  })

  test(`${release}: preflightContinue, preflight: false, policy and reject`, async t => {
    const continued = await listen(t, fastify, async app => {
      await app.register(cors, { origin: [A], preflightContinue: true })
      app.options('/', (request, reply) =>
        reply.code(202).send(String(request.corsPreflightEnabled))
      )
    })
    const own = await continued.send(preflight(A, 'GET'))
    assert.deepEqual([own.status, own.body, allowOrigin(own)], [202, 'true', A])
    assert.equal((await continued.send(preflight(A, 'GET', '/missing'))).status, 200)

    const off = await listen(t, fastify, async app => {
      await app.register(cors, { origin: [A], preflight: false })
      app.get('/', async () => 'home')
    })
    assert.equal((await off.send(preflight(A, 'GET'))).status, 404)
    assert.equal(allowOrigin(await off.send(get('/'))), A)

    const policy = new Policy({
      allowOrigins: [A],
      originPredicate: true,
      deniedActual: 'reject',
      ownOrigins: ['https://own.example']
    })
    const rejecting = await listen(t, fastify, async app => {
      await app.register(cors, { policy, origin: async origin => origin === B })
      app.get('/', async () => 'home')
    })
    assert.deepEqual(
      [allowOrigin(await rejecting.send(get('/'))), allowOrigin(await rejecting.send(get('/', B)))],
      [A, B]
    )
    const rejected = await rejecting.send(get('/', EVIL))
    assert.deepEqual([rejected.status, rejected.body, rejected.headers.vary], [403, '', 'Origin'])

    const plain = await listen(t, fastify, async app => {
      await app.register(cors, {
        policy: new Policy({
          allowOrigins: [A],
          deniedActual: 'reject',
          ownOrigins: ['https://own.example']
        }),
        preflight: false
      })
      app.options('/', async () => 'own')
    })
    const options = site =>
      plain.send({
        method: 'OPTIONS',
        path: '/',
        headers: { origin: EVIL, ...(site && { 'sec-fetch-site': site }) }
      })
    assert.deepEqual(
      [
        (await options()).status,
        (await options('cross-site')).status,
        (await options('same-origin')).status
      ],
      [403, 403, 200]
    )
  })

  test(`${release}: what is wrong is said when the plugin is registered`, async () => {
    const wrong = async options => {
      const app = fastify()
      try {
        await app.register(cors, options)
        await app.ready()
      } catch (error) {
        return error
      } finally {
        await app.close().catch(() => {})
      }
      return undefined
    }
    const about = async (options, path) => {
      const error = await wrong(options)
      assert.ok(error instanceof PolicyError, String(error))
      assert.ok(
        error.problems.some(problem => problem.path === path),
        `${error.message} names ${path}`
      )
    }
    await about({ origin: '*', credentials: true }, 'origin')
    await about({ origin: ['https://a.example/'] }, 'origin[0]')
    await about({ origin: 5 }, 'origin')
    await about({ origin: [A], methods: 5 }, 'methods')
    await about({ origin: [A], credentials: 'true' }, 'credentials')
    await about({ origin: [A], maxAge: -1 }, 'maxAge')
    await about({ allowHeaders: ['X-A'] }, 'allowHeaders')
    await about({ hook: 'onSend' }, 'hook')
    await about({ policy: {} }, 'policy')
    await about({ policy: new Policy({ allowOrigins: '*' }), methods: ['PUT'] }, 'methods')
    const app = fastify()
    await app.register(cors, {})
    assert.throws(
      () => app.get('/', { config: { cors: { origin: 5 } } }, async () => ''),
      PolicyError
    )
    await assert.rejects(async () => app.register(cors, {}), /registered twice/)
    await app.close().catch(() => {})
  })

  test(`${release}: one connection serves many requests, each with its own answer`, async t => {
    const { send } = await listen(t, fastify, async app => {
      await app.register(cors, { origin: [A, B] })
      app.get('/', async () => wait(1, 'home'))
    })
    const origins = Array.from({ length: 60 }, (_, i) => [A, B, EVIL][i % 3])
    const responses = await Promise.all(origins.map(origin => send(get('/', origin))))
    assert.deepEqual(
      responses.map(allowOrigin),
      origins.map(origin => (origin === EVIL ? undefined : origin))
    )
  })

  test(`${release}: HTTP/2`, async t => {
    const { port } = await listen(
      t,
      fastify,
      async app => {
        await app.register(cors, { origin: [A], credentials: true })
        app.get('/', (request, reply) => reply.header('vary', 'Accept').send('home'))
        app.get('/error', async () => Promise.reject(new Error('broken')))
      },
      { http2: true }
    )
    const [home, error, answered] = await askHttp2(port, [
      { ':path': '/', origin: A },
      { ':path': '/error', origin: A },
      { ':method': 'OPTIONS', ':path': '/', origin: A, 'access-control-request-method': 'GET' }
    ])
    assert.deepEqual(
      [home[':status'], home['access-control-allow-origin'], home.vary],
      [200, A, 'Accept, Origin']
    )
    assert.equal(error['access-control-allow-origin'], A)
    assert.deepEqual(
      [answered[':status'], answered['access-control-allow-origin'], answered['content-length']],
      [204, A, undefined]
    )
  })
}

// Fastify 4.0.0 adds the HEAD of such a route later, so the plugin takes the route for declared and
// does not warn.
test(
  'a route that was declared before the plugin was loaded is named in the log',
  { skip: !hasFastify5 },
  async t => {
    const lines = []
    const { send } = await listen(
      t,
      releases['fastify 5'],
      async app => {
        app.register(cors, { origin: [A] })
        app.get('/', { config: { cors: { origin: [B] } } }, async () => 'home')
      },
      { logger: { level: 'warn', stream: { write: line => lines.push(line) } } }
    )
    assert.equal(allowOrigin(await send(get('/', B))), B)
    assert.equal(allowOrigin(await send(get('/'))), undefined)
    assert.equal(lines.filter(line => line.includes('await the registration')).length, 1)
  }
)
