// cors() in real Express applications, over sockets: what the comparison with the peer does not
// ask.
import test from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Counters, Policy, PolicyError, SharedPolicy, cors } from 'crossgate'

const require = createRequire(import.meta.url)
const A = 'https://a.example'
const B = 'https://b.example'
const EVIL = 'https://evil.example'
const preflight = origin => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'PUT' }
})

async function serve(t, listener) {
  const server = http.createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return async ({ method = 'GET', path = '/', headers = {} } = {}) => {
    const req = http.request({
      host: '127.0.0.1',
      port: server.address().port,
      method,
      path,
      headers,
      agent: false,
      timeout: 120_000
    })
    req.on('timeout', () => req.destroy(new Error('no answer')))
    req.end()
    const [res] = await once(req, 'response')
    let body = ''
    for await (const chunk of res.setEncoding('utf8')) body += chunk
    return {
      status: res.statusCode,
      headers: res.headers,
      body,
      origin: res.headers['access-control-allow-origin'],
      vary: res.headers.vary
    }
  }
}
const get = (origin, path) => ({ path, headers: { origin } })

for (const version of ['express', 'express4', 'express4-oldest']) {
  const express = require(version)
  const app = (...middleware) => {
    const made = express()
    made.set('env', 'test')
    made.use(...middleware)
    made.all('/', (req, res) => res.send('handler'))
    return made
  }

  test(`${version}: functions that answer in every way`, { timeout: 300_000 }, async t => {
    const isA = origin => origin === A
    const ways = {
      'a promise': async origin => isA(origin),
      'a promise, later': origin => new Promise(resolve => setTimeout(resolve, 5, isA(origin))),
      'at once': origin => isA(origin),
      'a callback': (origin, callback) => callback(null, isA(origin)),
      'a callback, twice': (origin, callback) => {
        callback(null, isA(origin))
        callback(null, true)
      },
      'the origin itself': async origin => (isA(origin) ? origin : undefined),
      'a list': async () => [A],
      'a RegExp': async () => /https:\/\/a\.example/,
      // Undefined is no answer: what may come through the callback is waited for.
      'nothing for others': origin => {
        if (isA(origin)) return true
      },
      'a callback, later, of an async function': async (origin, callback) => {
        setTimeout(callback, 5, null, isA(origin))
      },
      'a callback that is not declared': (...given) => setTimeout(given[1], 5, null, isA(given[0])),
      'a callback with a default': (origin, callback = () => {}) => {
        setTimeout(callback, 5, null, isA(origin))
      }
    }
    t.mock.method(process, 'emitWarning', () => {})
    for (const [name, origin] of Object.entries(ways)) {
      const ask = await serve(t, app(cors({ origin, verdictTimeout: 500 })))
      assert.deepEqual(
        [
          (await ask(get(A))).origin,
          (await ask(get(EVIL))).origin,
          (await ask(preflight(A))).origin,
          (await ask(preflight(EVIL))).origin
        ],
        [A, undefined, A, undefined],
        name
      )
      assert.equal((await ask(get(EVIL))).body, 'handler', name)
      assert.equal((await ask()).vary, 'Origin', name)
    }
  })

  test(`${version}: functions that fail`, { timeout: 300_000 }, async t => {
    const ways = [
      (origin, callback) => callback(new Error('no')),
      () => {
        throw new Error('no')
      },
      async () => {
        throw new Error('no')
      },
      async () => 'https://not.an.origin/',
      async () => ({}),
      async () => 5,
      () => Promise.reject(undefined),
      () => {
        throw undefined
      }
    ]
    const warnings = t.mock.method(process, 'emitWarning', () => {})
    for (const origin of ways) {
      const counters = new Counters()
      const ask = await serve(t, app(cors({ origin, counters, verdictTimeout: 50 })))
      for (const [request, status] of [
        [get(A), 200],
        [preflight(A), 204]
      ]) {
        const answer = await ask(request)
        assert.deepEqual([answer.status, answer.origin], [status, undefined], String(origin))
        assert.match(answer.vary, /^Origin/)
      }
      assert.equal((await ask()).status, 200, String(origin))
      const isFailure = !String(origin).includes('not.an.origin')
      assert.equal(counters.predicateFailed, isFailure ? 2 : 0, String(origin))
      assert.equal(counters.get('origin_not_listed'), 2)
    }
    // Once a minute for each middleware.
    assert.equal(warnings.mock.callCount(), ways.length - 1)
  })

  test(`${version}: delegates that fail let nobody in`, { timeout: 300_000 }, async t => {
    t.mock.method(process, 'emitWarning', () => {})
    const ways = [
      (req, callback) => callback(new Error('no')),
      (req, callback) => callback(null, undefined),
      (req, callback) => callback(null, null),
      (req, callback) => callback(null, true),
      (req, callback) => callback(null, [A]),
      (req, callback) => callback(null, { origin: undefined }),
      (req, callback) => callback(null, { origin: '*', credentials: true }),
      () => {
        throw new Error('no')
      },
      async () => {
        throw undefined
      },
      async (req, callback) => {
        setTimeout(callback, 5, null, { origin: ['https://b.example'], credentials: true })
      }
    ]
    for (const delegate of ways) {
      const ask = await serve(t, app(cors(delegate)))
      for (const request of [get(A), preflight(A)]) {
        const { status, origin, vary } = await ask(request)
        assert.ok(status === 200 || status === 204, String(delegate))
        assert.equal(origin, undefined, String(delegate))
        assert.match(vary, /^Origin/)
      }
    }
    const late = await serve(
      t,
      app(cors(async (req, callback) => void setTimeout(callback, 5, null, { origin: [A] })))
    )
    assert.deepEqual([(await late(get(A))).origin, (await late(get(EVIL))).origin], [A, undefined])
  })

  test(`${version}: options for each request`, { timeout: 300_000 }, async t => {
    t.mock.method(process, 'emitWarning', () => {})
    const policy = new Policy({ allowOrigins: [B] })
    const byPath = {
      '/': { origin: [A] },
      '/policy': { policy },
      '/off': { origin: false },
      '/wrong': { origins: [A] },
      '/function': { origin: async origin => origin === B }
    }
    for (const delegate of [
      (req, callback) => callback(null, byPath[req.path]),
      async req => byPath[req.path],
      req => byPath[req.path]
    ]) {
      const ask = await serve(t, app(cors(delegate)))
      assert.deepEqual([(await ask(get(A))).origin, (await ask(get(B))).origin], [A, undefined])
      assert.deepEqual(
        [(await ask(get(A, '/policy'))).origin, (await ask(get(B, '/policy'))).origin],
        [undefined, B]
      )
      assert.deepEqual(
        [(await ask(get(A, '/function'))).origin, (await ask(get(B, '/function'))).origin],
        [undefined, B]
      )
      assert.deepEqual(
        [(await ask(get(A, '/off'))).vary, (await ask(get(A, '/wrong'))).origin],
        [undefined, undefined]
      )
    }
  })

  test(
    `${version}: a policy in place of options, shared, counted and watched`,
    { timeout: 300_000 },
    async t => {
      const counters = new Counters()
      const shared = new SharedPolicy({ allowOrigins: [A] })
      const ask = await serve(t, app(cors({ policy: shared, counters })))
      assert.equal((await ask(get(A))).origin, A)
      assert.throws(() => shared.replace({ allowOrigins: [] }), PolicyError)
      assert.equal((await ask(get(A))).origin, A)
      const differences = []
      shared.setShadow({ allowOrigins: [B] }, difference => {
        differences.push(difference)
        throw new Error('nobody cares')
      })
      t.mock.method(process, 'emitWarning', () => {})
      assert.equal((await ask(get(A))).origin, A)
      assert.deepEqual(
        differences.map(({ live, shadow }) => [live.reason, shadow.reason]),
        [['allowed', 'origin_not_listed']]
      )
      shared.setShadow(null)
      shared.replace({ allowOrigins: [B] })
      assert.deepEqual([(await ask(get(A))).origin, (await ask(get(B))).origin], [undefined, B])
      assert.deepEqual(
        [counters.get('allowed'), counters.get('origin_not_listed'), differences.length],
        [4, 1, 1]
      )
    }
  )

  test(`${version}: rejecting policies, routes and errors`, { timeout: 300_000 }, async t => {
    const strict = new Policy({ allowOrigins: [A], deniedActual: 'reject', ownOrigins: [B] })
    const made = express()
    made.set('env', 'test')
    made.use(cors({ origin: [A] }))
    made.get('/strict', cors({ policy: strict }), (req, res) => res.send('handler'))
    made.get('/json', (req, res) => res.status(418).json({}))
    made.get('/later', (req, res, next) => setImmediate(next, new Error('later')))
    made.get('/redirect', (req, res) => res.redirect('/json'))
    made.get('/p/:id', (req, res) => res.send('x'))
    made.get('/vary', (req, res) => res.vary('Accept').send('x'))
    const ask = await serve(t, made)
    assert.deepEqual(
      [
        (await ask(get(EVIL, '/strict'))).status,
        (await ask(get(B, '/strict'))).status,
        (await ask(get(A, '/strict'))).status
      ],
      [403, 200, 200]
    )
    for (const [path, status] of [
      ['/json', 418],
      ['/later', 500],
      ['/redirect', 302],
      ['/missing', 404],
      ['/p/%zz', 400]
    ]) {
      const answer = await ask(get(A, path))
      assert.deepEqual([answer.status, answer.origin], [status, A], path)
    }
    assert.equal((await ask(get(A, '/vary'))).vary, 'Origin, Accept')
  })
}

for (const version of ['express', 'express4', 'express4-oldest']) {
  const express = require(version)
  const file = fileURLToPath(import.meta.url)

  test(`${version}: every kind of response, allowed and refused`, { timeout: 300_000 }, async t => {
    const app = express()
    app.set('env', 'test')
    app.use(cors({ origin: [A], credentials: true, exposedHeaders: ['X-Id'] }))
    app.get('/file', (req, res) => res.sendFile(file))
    app.use('/static', express.static(dirname(file)))
    app.get('/object', (req, res) =>
      res.writeHead(200, { Vary: 'Accept', 'Access-Control-Allow-Origin': '*' }).end('x')
    )
    app.get('/flat', (req, res) =>
      res
        .writeHead(200, ['Vary', 'Accept', 'X-Own', 'x', 'Access-Control-Allow-Origin', '*'])
        .end('x')
    )
    app.get('/pairs', (req, res) =>
      res
        .writeHead(200, 'Fine', [
          ['Vary', 'Accept'],
          ['Access-Control-Allow-Origin', '*']
        ])
        .end('x')
    )
    app.get('/cookies', (req, res) => res.cookie('a', '1').cookie('b', '2').send('x'))
    app.get('/events', (req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' })
      res.flushHeaders()
      setImmediate(() => res.end('data: 1\n\n'))
    })
    app.get('/refused', (req, res, next) =>
      next(
        Object.assign(new Error('no'), {
          status: 401,
          headers: { 'WWW-Authenticate': 'Basic', Vary: 'Authorization' }
        })
      )
    )
    app.get('/own-page', (req, res, next) => next(Object.assign(new Error('no'), { page: 'own' })))
    app.get('/after', (req, res, next) => setImmediate(next, new Error('after')))
    app.get('/reset', (req, res) => {
      for (const name of res.getHeaderNames()) res.removeHeader(name)
      res.status(503).set('Vary', 'Accept').send('x')
    })
    app.use((error, req, res, next) =>
      error.page === 'own'
        ? res.status(422).vary('Accept').json({ error: error.page })
        : next(error)
    )
    const ask = await serve(t, app)
    const {
      headers: { etag }
    } = await ask({ path: '/file' })
    const requests = {
      '/file': [200, {}],
      '/file unchanged': [304, { 'if-none-match': etag }],
      '/file in part': [206, { range: 'bytes=0-9' }],
      '/file out of range': [416, { range: 'bytes=99999999-' }],
      '/static/none': [404, {}],
      '/object': [200, {}, 'Accept, Origin'],
      '/flat': [200, {}, 'Accept, Origin'],
      '/pairs': [200, {}, 'Accept, Origin'],
      '/cookies': [200, {}],
      '/events': [200, {}],
      '/refused': [401, {}, 'Authorization, Origin'],
      '/own-page': [422, {}, 'Origin, Accept'],
      '/after': [500, {}],
      '/reset': [503, {}, 'Accept, Origin']
    }
    for (const [name, [status, headers, vary = 'Origin']] of Object.entries(requests)) {
      for (const [origin, allowed] of [
        [A, A],
        [EVIL, undefined]
      ]) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await ask({
            method,
            path: name.split(' ')[0],
            headers: { ...headers, origin }
          })
          assert.deepEqual(
            [
              answer.status,
              answer.origin,
              answer.headers['access-control-allow-credentials'],
              answer.headers['access-control-expose-headers'],
              answer.vary
            ],
            [status, allowed, allowed && 'true', allowed && 'X-Id', vary],
            `${method} ${name} from ${origin}`
          )
        }
      }
    }
    assert.deepEqual((await ask(get(A, '/cookies'))).headers['set-cookie'], [
      'a=1; Path=/',
      'b=2; Path=/'
    ])
    assert.equal((await ask(get(A, '/refused'))).headers['www-authenticate'], 'Basic')
  })
}

test('connect: responses, preflights, errors and functions', { timeout: 300_000 }, async t => {
  const connect = require('connect')
  t.mock.method(console, 'error', () => {})
  const app = (middleware, ...rest) => {
    const made = connect()
    made.use(middleware)
    for (const one of rest) made.use(...one)
    return made.use('/', (req, res) => res.end('handler'))
  }
  const ask = await serve(
    t,
    app(
      cors({ origin: [A], credentials: true, exposedHeaders: ['X-Id'] }),
      [
        '/vary',
        (req, res) =>
          res.writeHead(200, { Vary: 'Accept', 'Access-Control-Allow-Origin': '*' }).end('x')
      ],
      [
        '/throws',
        () => {
          throw new Error('broken')
        }
      ],
      ['/later', (req, res, next) => setImmediate(next, new Error('later'))]
    )
  )
  for (const [path, status, vary] of [
    ['/', 200, 'Origin'],
    ['/vary', 200, 'Accept, Origin'],
    ['/throws', 500, 'Origin'],
    ['/later', 500, 'Origin']
  ]) {
    for (const [origin, allowed] of [
      [A, A],
      [EVIL, undefined]
    ]) {
      const answer = await ask(get(origin, path))
      assert.deepEqual(
        [
          answer.status,
          answer.origin,
          answer.headers['access-control-allow-credentials'],
          answer.vary
        ],
        [status, allowed, allowed && 'true', vary],
        `${path} from ${origin}`
      )
    }
  }
  const answered = await ask(preflight(A))
  assert.deepEqual([answered.status, answered.origin, answered.body], [204, A, ''])
  const functions = await serve(
    t,
    app(
      cors({
        origin: (origin, callback) =>
          origin === A ? callback(null, true) : callback(new Error('no'))
      })
    )
  )
  assert.deepEqual(
    [(await functions(get(A))).origin, (await functions(get(EVIL))).origin],
    [A, undefined]
  )
  const perRequest = await serve(
    t,
    app(cors((req, callback) => callback(null, { origin: req.url === '/b' ? [B] : [A] })))
  )
  assert.deepEqual(
    [
      (await perRequest(get(A))).origin,
      (await perRequest(get(A, '/b'))).origin,
      (await perRequest(get(B, '/b'))).origin
    ],
    [A, undefined, B]
  )
})

test('hostile headers reach nobody', { timeout: 300_000 }, async t => {
  const middleware = cors({ origin: [A, /^https:\/\/(?=x)x\.example$/] })
  const ask = await serve(t, (req, res) =>
    middleware(req, res, error => res.end(error ? 'error' : 'handler'))
  )
  const odd = [
    '',
    ' ',
    'null',
    `${A}, ${A}`,
    'x'.repeat(4000),
    '\xff\xfe',
    `${A}\t`,
    '__proto__',
    'constructor',
    '%00',
    ','.repeat(3000)
  ]
  for (const origin of odd) {
    for (const method of ['GET', 'OPTIONS']) {
      const { status, body } = await ask({
        method,
        headers: {
          origin,
          'access-control-request-method': origin,
          'access-control-request-headers': origin
        }
      })
      assert.ok(
        status === 200 ? body === 'handler' : status === 204,
        JSON.stringify(origin.slice(0, 20))
      )
    }
  }
})
