'use strict'
// Answers on real responses: HTTP/1.1 and HTTP/2 over sockets. Handlers do what handlers do to
// headers.

const test = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const http2 = require('node:http2')
const { once } = require('node:events')
const { Policy } = require('..')
const { answerFor } = require('../lib/answers/begin.cjs')
const { applyToResponse, endEmpty } = require('../lib/http/response.cjs')

const A = 'https://a.example'
const EVIL = 'https://evil.example'
const policy = new Policy({
  allowOrigins: [A, 'https://b.example'],
  allowMethods: ['PUT'],
  allowHeaders: ['X-A'],
  exposeHeaders: ['X-C'],
  allowCredentials: true,
  maxAge: 5
})
const CORS = {
  'access-control-allow-origin': A,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'X-C',
  vary: 'Origin'
}

/**
 * A server that decides and then runs `handler`, and a client for it: `ask(method, headers)` gives
 * status, headers, body.
 */
const PROTOCOLS = {
  'HTTP/1.1': async (t, listener) => {
    const server = http.createServer(listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    return async (method, headers) => {
      const req = http.request({
        port: server.address().port,
        host: '127.0.0.1',
        method,
        path: '/',
        headers,
        agent: false,
        timeout: 120_000
      })
      req.end()
      const [res] = await once(req, 'response')
      let body = ''
      for await (const chunk of res.setEncoding('latin1')) body += chunk
      return { status: res.statusCode, headers: res.headers, body, raw: res.rawHeaders }
    }
  },
  'HTTP/2': async (t, listener) => {
    const server = http2.createServer(listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = http2.connect(`http://127.0.0.1:${server.address().port}`)
    t.after(() => {
      client.destroy()
      server.close()
    })
    return async (method, headers) => {
      const stream = client.request({ ':method': method, ':path': '/', ...headers })
      stream.setTimeout(120_000, () => stream.destroy(new Error('no answer')))
      stream.end()
      const [{ ':status': status, ...rest }] = await once(stream, 'response')
      let body = ''
      for await (const chunk of stream.setEncoding('latin1')) body += chunk
      return { status, headers: rest, body, raw: Object.keys(rest) }
    }
  }
}

function serve(protocol, t, handler, of = policy) {
  return PROTOCOLS[protocol](t, (req, res) => {
    const answer = answerFor(of, req.method, req.headers)
    if (answer.action !== 'forward') endEmpty(res, answer)
    else {
      applyToResponse(res, answer)
      handler(req, res)
    }
  })
}

const own = headers =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => name === 'vary' || name.startsWith('access-control-')
    )
  )

// What handlers do, and the CORS headers of an allowed response after it.
const HANDLERS = {
  'end alone': [(req, res) => res.end('x'), CORS],
  'end without a body': [(req, res) => res.end(), CORS],
  'a status': [
    (req, res) => {
      res.statusCode = 404
      res.end('x')
    },
    CORS
  ],
  'an error page': [
    (req, res) => {
      res.writeHead(500)
      res.end('x')
    },
    CORS
  ],
  'a stream': [
    (req, res) => {
      res.write('a')
      setImmediate(() => {
        res.write('b')
        res.end('c')
      })
    },
    CORS
  ],
  'flushed headers': [
    (req, res) => {
      res.flushHeaders()
      setImmediate(() => res.end('x'))
    },
    CORS
  ],
  304: [
    (req, res) => {
      res.writeHead(304)
      res.end()
    },
    CORS
  ],
  'Vary set': [
    (req, res) => {
      res.setHeader('Vary', 'Accept-Encoding')
      res.end('x')
    },
    { ...CORS, vary: 'Accept-Encoding, Origin' }
  ],
  'Vary set as a list': [
    (req, res) => {
      res.setHeader('Vary', ['Accept', 'Accept-Encoding'])
      res.end('x')
    },
    { ...CORS, vary: 'Accept, Accept-Encoding, Origin' }
  ],
  'Vary set to *': [
    (req, res) => {
      res.setHeader('Vary', '*')
      res.end('x')
    },
    { ...CORS, vary: '*' }
  ],
  'Vary in another case': [
    (req, res) => {
      res.setHeader('Vary', 'origin')
      res.end('x')
    },
    { ...CORS, vary: 'origin' }
  ],
  'Vary removed': [
    (req, res) => {
      res.removeHeader('Vary')
      res.end('x')
    },
    CORS
  ],
  'everything removed': [
    (req, res) => {
      res.getHeaderNames().forEach(name => res.removeHeader(name))
      res.end('x')
    },
    CORS
  ],
  'writeHead with an object': [
    (req, res) => {
      res.writeHead(200, {
        Vary: 'Accept',
        'Content-Type': 'text/plain',
        'Access-Control-Allow-Origin': '*'
      })
      res.end('x')
    },
    { ...CORS, vary: 'Accept, Origin' }
  ],
  'writeHead with a flat list': [
    (req, res) => {
      res.writeHead(200, [
        'Vary',
        'Accept',
        'vary',
        'DPR',
        'Content-Type',
        'text/plain',
        'access-control-allow-origin',
        EVIL
      ])
      res.end('x')
    },
    { ...CORS, vary: 'Accept, DPR, Origin' }
  ],
  'writeHead with pairs': [
    (req, res) => {
      res.writeHead(200, [
        ['Vary', 'Accept'],
        ['Content-Type', 'text/plain']
      ])
      res.end('x')
    },
    { ...CORS, vary: 'Accept, Origin' }
  ],
  'writeHead with a reason': [
    (req, res) => {
      res.writeHead(200, 'Fine', { vary: ['Accept', 'DPR'] })
      res.end('x')
    },
    { ...CORS, vary: 'Accept, DPR, Origin' }
  ],
  'its own CORS headers': [
    (req, res) => {
      for (const name of ['Origin', 'Credentials', 'Methods', 'Headers', 'Private-Network'])
        res.setHeader(`Access-Control-Allow-${name}`, '*')
      res.setHeader('Access-Control-Max-Age', '9')
      res.end('x')
    },
    CORS
  ],
  'its own exposed headers': [
    (req, res) => {
      res.setHeader('Access-Control-Expose-Headers', 'X-D, x-c')
      res.end('x')
    },
    { ...CORS, 'access-control-expose-headers': 'X-D, x-c' }
  ],
  'other CORS headers are its own matter': [
    (req, res) => {
      res.writeHead(200, { 'Access-Control-X': 'y' })
      res.end('x')
    },
    { ...CORS, 'access-control-x': 'y' }
  ],
  'a wrapper of writeHead, as on-headers does': [
    (req, res) => {
      const before = res.writeHead
      res.writeHead = function (...args) {
        res.setHeader('Vary', 'Accept-Encoding')
        return before.apply(this, args)
      }
      res.end('x')
    },
    { ...CORS, vary: 'Accept-Encoding, Origin' }
  ]
}

for (const protocol of Object.keys(PROTOCOLS)) {
  test(`${protocol}: whatever the handler does`, { timeout: 300_000 }, async t => {
    let handler
    const seen = []
    const ask = await serve(protocol, t, (req, res) => {
      seen.push(res.getHeader('vary'), res.getHeader('Access-Control-Allow-Origin'))
      handler(req, res)
    })
    for (const [name, [act, expected]] of Object.entries(HANDLERS)) {
      handler = act
      const allowed = await ask('GET', { origin: A })
      assert.deepEqual(own(allowed.headers), expected, name)
      const denied = await ask('GET', { origin: EVIL })
      const others = Object.entries(expected).filter(
        ([header]) => header === 'vary' || header === 'access-control-x'
      )
      assert.deepEqual(own(denied.headers), Object.fromEntries(others), `${name}, denied`)
      assert.deepEqual(
        seen.splice(0),
        ['Origin', A, 'Origin', undefined],
        `${name}: what the handler sees`
      )
    }
  })

  test(`${protocol}: preflights`, { timeout: 300_000 }, async t => {
    const ask = await serve(protocol, t, (req, res) => res.end('handler'))
    const preflight = {
      origin: A,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'x-a'
    }
    const { date, connection, ...headers } = (await ask('OPTIONS', preflight)).headers
    assert.deepEqual(
      { ...Object.fromEntries(Object.entries(headers)), 'keep-alive': undefined },
      {
        'access-control-allow-origin': A,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'PUT',
        'access-control-allow-headers': 'X-A',
        'access-control-max-age': '5',
        vary: 'Origin, Access-Control-Request-Method',
        'keep-alive': undefined
      }
    )
    assert.ok(date && connection !== '')
    const denied = await ask('OPTIONS', { ...preflight, origin: EVIL })
    assert.deepEqual(
      [
        denied.status,
        denied.body,
        denied.headers['content-length'],
        denied.headers['content-type']
      ],
      [403, '', '0', undefined]
    )
    assert.deepEqual(own(denied.headers), { vary: 'Origin, Access-Control-Request-Method' })
    const plain = await ask('OPTIONS', { origin: A })
    assert.deepEqual([plain.status, plain.body], [200, 'handler'])
  })

  test(
    `${protocol}: a preflight that finds headers on the response`,
    { timeout: 300_000 },
    async t => {
      const ask = await PROTOCOLS[protocol](t, (req, res) => {
        res.setHeader('X-Powered-By', 'x')
        res.setHeader('Vary', 'Accept')
        res.setHeader('Access-Control-Allow-Private-Network', 'true')
        endEmpty(res, answerFor(policy, req.method, req.headers))
      })
      const { status, headers } = await ask('OPTIONS', {
        origin: A,
        'access-control-request-method': 'PUT'
      })
      assert.equal(status, 204)
      assert.deepEqual(
        [
          headers['x-powered-by'],
          headers.vary,
          headers['access-control-allow-private-network'],
          headers['content-length']
        ],
        ['x', 'Accept, Origin, Access-Control-Request-Method', undefined, undefined]
      )
      assert.equal(
        (await ask('OPTIONS', { origin: EVIL, 'access-control-request-method': 'PUT' })).headers[
          'content-length'
        ],
        '0'
      )
    }
  )

  test(`${protocol}: a rejected request`, { timeout: 300_000 }, async t => {
    const strict = new Policy({
      allowOrigins: [A],
      deniedActual: 'reject',
      ownOrigins: ['https://own.example']
    })
    const ask = await serve(protocol, t, (req, res) => res.end('handler'), strict)
    const { status, headers, body } = await ask('POST', { origin: EVIL })
    assert.deepEqual(
      [status, body, headers.vary, headers['content-length']],
      [403, '', 'Origin', '0']
    )
    assert.equal((await ask('POST', { origin: 'https://own.example' })).body, 'handler')
    assert.equal(
      (await ask('POST', { origin: EVIL, 'sec-fetch-site': 'same-origin' })).body,
      'handler'
    )
  })

  test(`${protocol}: a handler that may speak for itself`, { timeout: 300_000 }, async t => {
    const keep = new Policy({ allowOrigins: [A], upstream: 'keep', allowCredentials: true })
    let handler
    const ask = await serve(protocol, t, (req, res) => handler(req, res), keep)
    handler = (req, res) => {
      res.writeHead(200, { 'Access-Control-Allow-Origin': '*', 'Access-Control-Max-Age': '9' })
      res.end()
    }
    assert.deepEqual(own((await ask('GET', { origin: A })).headers), {
      'access-control-allow-origin': '*',
      'access-control-max-age': '9',
      vary: 'Origin'
    })
    handler = (req, res) => {
      res.setHeader('Access-Control-Max-Age', '9')
      res.end()
    }
    assert.deepEqual(own((await ask('GET', { origin: A })).headers), {
      'access-control-allow-origin': A,
      'access-control-allow-credentials': 'true',
      vary: 'Origin'
    })
  })

  test(
    `${protocol}: one policy for the site, another for a part of it`,
    { timeout: 300_000 },
    async t => {
      const open = new Policy({ allowOrigins: '*', exposeHeaders: ['X-All'] })
      const ask = await PROTOCOLS[protocol](t, (req, res) => {
        applyToResponse(res, answerFor(open, req.method, req.headers))
        applyToResponse(res, answerFor(policy, req.method, req.headers))
        if (req.method === 'OPTIONS') endEmpty(res, answerFor(policy, req.method, req.headers))
        else res.end()
      })
      assert.deepEqual(own((await ask('GET', { origin: A })).headers), CORS)
      assert.deepEqual(own((await ask('GET', { origin: EVIL })).headers), { vary: 'Origin' })
      assert.deepEqual(
        (await ask('OPTIONS', { origin: EVIL, 'access-control-request-method': 'PUT' })).headers[
          'access-control-allow-origin'
        ],
        undefined
      )
    }
  )

  test(`${protocol}: several Origin lines match nothing`, { timeout: 300_000 }, async t => {
    const reasons = []
    const ask = await PROTOCOLS[protocol](t, (req, res) => {
      reasons.push(
        answerFor(policy, req.method, req.headers).reason,
        policy.evaluate(req.method, req.rawHeaders).reason
      )
      res.end()
    })
    await ask('GET', { origin: [A, A] })
    await ask('GET', { origin: [A, EVIL] })
    assert.deepEqual([...new Set(reasons)], ['origin_multiple'])
  })
}

test(
  '101 carries nothing of CORS, and neither does what comes after the head',
  { timeout: 300_000 },
  async t => {
    const server = http.createServer((req, res) => {
      applyToResponse(res, answerFor(policy, req.method, req.headers))
      res.writeHead(101, { Upgrade: 'x', Connection: 'Upgrade' })
      applyToResponse(res, answerFor(policy, req.method, req.headers))
      res.flushHeaders()
      endEmpty(
        res,
        answerFor(policy, 'OPTIONS', { ...req.headers, 'access-control-request-method': 'PUT' })
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    const req = http.request({
      port: server.address().port,
      host: '127.0.0.1',
      headers: { origin: A, Upgrade: 'x', Connection: 'Upgrade' },
      agent: false,
      timeout: 120_000
    })
    req.end()
    const [res, socket] = await once(req, 'upgrade')
    socket.destroy()
    assert.deepEqual(own(res.headers), {})
  }
)
