'use strict'
// Requests in every shape, and decisions. What the engine decides is the vectors' matter
// (tests/conformance/node).

const test = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { Policy } = require('..')

const A = 'https://a.example'
const policy = new Policy({
  allowOrigins: [A, 'https://*.b.example'],
  allowMethods: ['PUT'],
  allowHeaders: ['X-A', 'X-B'],
  exposeHeaders: ['X-C']
})
const reason = (headers, method = 'GET', of = policy) => of.evaluate(method, headers).reason

test('a decision, whole and frozen', () => {
  const decision = policy.evaluate('OPTIONS', [
    ['Origin', A],
    ['Access-Control-Request-Method', 'PUT'],
    ['Access-Control-Request-Headers', 'x-a']
  ])
  assert.deepEqual(
    { ...decision },
    {
      kind: 'preflight',
      reason: 'allowed',
      action: 'answer',
      allowed: true,
      status: 204,
      headers: [
        ['access-control-allow-origin', A],
        ['access-control-allow-methods', 'PUT'],
        ['access-control-allow-headers', 'X-A, X-B'],
        ['vary', 'Origin, Access-Control-Request-Method']
      ],
      remove: [
        'access-control-allow-credentials',
        'access-control-max-age',
        'access-control-allow-private-network'
      ],
      hitRegexStepLimit: false
    }
  )
  for (const part of [decision, decision.headers, decision.headers[0], decision.remove])
    assert.ok(Object.isFrozen(part))
  const none = policy.evaluate('GET', [])
  assert.deepEqual(
    [none.kind, none.allowed, none.status, none.action],
    ['not_cors', null, null, 'forward']
  )
  assert.equal(policy.evaluate('GET', { origin: 'https://x.example' }).allowed, false)
})

test('every shape of headers says the same', () => {
  const preflight = [
    ['Host', 'h'],
    ['Accept', '*/*'],
    ['Cookie', 'origin'],
    ['ORIGIN', A],
    ['access-control-request-method', 'PUT'],
    ['Access-Control-Request-Headers', 'X-A']
  ]
  const lower = preflight.map(([name, value]) => [name.toLowerCase(), value])
  const bytes = preflight.map(pair => pair.map(text => Buffer.from(text)))
  const shapes = {
    pairs: preflight,
    'pairs of bytes': bytes,
    'typed arrays': preflight.map(pair => pair.map(text => new TextEncoder().encode(text))),
    rawHeaders: preflight.flat(),
    'rawHeaders of bytes': bytes.flat(),
    'req.headers': Object.fromEntries(lower),
    'an object in any case': Object.fromEntries(preflight),
    'an object without prototype': Object.assign(Object.create(null), Object.fromEntries(lower)),
    'an object with lists': Object.fromEntries(lower.map(([name, value]) => [name, [value]])),
    Headers: new Headers(preflight.filter(([name]) => name !== 'Cookie')),
    Map: new Map(preflight),
    generator: (function* () {
      yield* preflight
    })()
  }
  const expected = { ...policy.evaluate('OPTIONS', preflight) }
  assert.equal(expected.reason, 'allowed')
  for (const [name, headers] of Object.entries(shapes))
    assert.deepEqual({ ...policy.evaluate('OPTIONS', headers) }, expected, name)
  assert.deepEqual({ ...policy.evaluate(Buffer.from('OPTIONS'), preflight) }, expected)
})

test('repeated lines', () => {
  for (const headers of [
    [
      ['Origin', A],
      ['origin', A]
    ],
    ['Origin', A, 'Origin', A],
    { origin: [A, A] },
    { origin: `${A}, ${A}` },
    { Origin: A, origin: A },
    new Headers([
      ['Origin', A],
      ['Origin', A]
    ]),
    new Map([['origin', [A, A]]]),
    [
      ['Origin', A],
      ['Origin', A],
      ['Origin', A]
    ]
  ])
    assert.equal(reason(headers), 'origin_multiple')
  const lists = [
    'Origin',
    A,
    'Access-Control-Request-Method',
    'PUT',
    'Access-Control-Request-Headers',
    'x-a',
    'Access-Control-Request-Headers',
    'x-b'
  ]
  assert.equal(reason(lists, 'OPTIONS'), 'allowed')
  assert.equal(
    reason([...lists, 'Access-Control-Request-Headers', 'x-z'], 'OPTIONS'),
    'header_not_allowed'
  )
})

test('absent is undefined or null; empty is present', () => {
  for (const value of [undefined, null, []]) {
    assert.equal(reason({ origin: value }), 'no_origin')
    assert.equal(reason([['origin', value]]), 'no_origin')
  }
  assert.equal(reason({ origin: '' }), 'origin_malformed')
  assert.equal(reason([]), 'no_origin')
  assert.equal(reason({}), 'no_origin')
})

test('inherited properties are no headers', () => {
  Object.prototype.origin = A
  try {
    assert.equal(reason({}), 'no_origin')
  } finally {
    delete Object.prototype.origin
  }
})

test('hostile values never throw and never match', () => {
  const long = 'a'.repeat(10_000)
  // The last ones would be the allowed origin if high bytes were dropped.
  const origins = [
    long,
    `https://${long}`,
    '\0',
    `${A}\0`,
    `\0${A}`,
    `${A}\n`,
    '\ud800',
    'é',
    '😀',
    `https://\u0161.example`,
    `https://\u0161.b.example`,
    `${A.slice(0, -1)}\u0165`
  ]
  for (const origin of origins) {
    for (const headers of [[['Origin', origin]], ['Origin', origin], { origin }]) {
      const decision = policy.evaluate('GET', headers)
      assert.equal(decision.reason, 'origin_malformed', JSON.stringify(origin.slice(0, 40)))
      assert.deepEqual(decision.headers, [['vary', 'Origin']])
    }
  }
  for (const value of [
    5,
    true,
    {},
    () => {},
    Symbol('x'),
    5n,
    /x/,
    [5],
    [{}],
    [null],
    [Symbol('x')]
  ]) {
    assert.equal(reason({ origin: value }), 'origin_malformed')
    assert.equal(reason([['Origin', value]]), 'origin_malformed')
    assert.equal(reason(['Origin', value]), 'origin_malformed')
  }
  assert.equal(
    reason(['Origin', A, 'Access-Control-Request-Method', '\u0150UT'], 'OPTIONS'),
    'method_not_allowed'
  )
  assert.equal(reason({ origin: A }, '\u014fPTIONS'), 'allowed', 'no OPTIONS, so no preflight')
})

test('values are Latin-1: a byte a character', () => {
  const list = text =>
    reason(
      ['Origin', A, 'Access-Control-Request-Method', 'PUT', 'Access-Control-Request-Headers', text],
      'OPTIONS'
    )
  // 4,096 bytes is the bound; in UTF-8 these would be twice as many.
  assert.equal(list('\xe9'.repeat(3000)), 'header_list_malformed')
  assert.equal(list('\xe9'.repeat(5000)), 'header_list_too_long')
  assert.equal(list('\u0161'.repeat(3000)), 'header_list_malformed')
  assert.equal(list('x'.repeat(5000)), 'header_list_too_long')
  assert.equal(list(Buffer.alloc(3000, 0xe9)), 'header_list_malformed')
})

test('long values are read whole, wherever the buffer ends', () => {
  const any = new Policy({ allowOrigins: ['https://*.example'] })
  const echo = new Policy({
    allowOrigins: [A],
    allowMethods: '*',
    allowHeaders: '*',
    allowCredentials: true
  })
  for (let length = 950; length < 1100; length += 1) {
    const name = 'x'.repeat(length)
    const decision = echo.evaluate('OPTIONS', [
      'Origin',
      A,
      'Access-Control-Request-Method',
      'PUT',
      'Access-Control-Request-Headers',
      name
    ])
    assert.deepEqual(
      decision.headers.find(([header]) => header === 'access-control-allow-headers'),
      ['access-control-allow-headers', name]
    )
  }
  assert.equal(any.evaluate('x'.repeat(5000), { origin: 'https://a.example' }).allowed, true)
})

test('header names are compared without ASCII case only', () => {
  const pna = new Policy({ allowOrigins: [A], allowPrivateNetwork: true })
  const granted = name =>
    pna
      .evaluate('OPTIONS', ['Origin', A, 'Access-Control-Request-Method', 'GET', name, 'true'])
      .headers.some(([header]) => header === 'access-control-allow-private-network')
  assert.ok(granted('ACCESS-CONTROL-REQUEST-PRIVATE-NETWORK'))
  assert.ok(!granted('access-control-request-private-networ\u212a'))
  assert.equal(reason(['or\u0131gin', A]), 'no_origin')
})

test('what is no request at all is a TypeError', () => {
  for (const headers of [
    undefined,
    null,
    5,
    'origin',
    true,
    Symbol('x'),
    [5, 6],
    [[5, 6]],
    [['a', 'b'], 'c'],
    Buffer.from('ab')
  ]) {
    assert.throws(() => policy.evaluate('GET', headers), TypeError)
  }
  for (const method of [undefined, null, 5, {}, Symbol('x')])
    assert.throws(() => policy.evaluate(method, []), TypeError)
})

test('the same decision for the same answer, and never for another', () => {
  assert.equal(policy.evaluate('GET', { origin: A }), policy.evaluate('PUT', { origin: A }))
  const ways = ['https://x.b.example', 'https://y.b.example'].map(
    origin => policy.evaluate('GET', { origin }).headers[0][1]
  )
  assert.deepEqual(ways, ['https://x.b.example', 'https://y.b.example'])
  const many = new Policy({
    allowOrigins: Array.from({ length: 1000 }, (_, i) => `https://h${i}.example`)
  })
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 1000; i += 1)
      assert.equal(
        many.evaluate('GET', { origin: `https://h${i}.example` }).headers[0][1],
        `https://h${i}.example`
      )
  }
})

test('apply sets, merges and removes in a new array', () => {
  const before = [
    ['Vary', 'Accept'],
    ['X-Own', 5],
    ['set-cookie', ['a=1', 'b=2']],
    ['Access-Control-Allow-Methods', 'DELETE'],
    ['access-control-allow-origin', '*'],
    ['Access-Control-Expose-Headers', ['X-D']]
  ]
  const copy = structuredClone(before)
  const after = policy.evaluate('GET', { origin: A }).apply(before)
  assert.deepEqual(before, copy)
  assert.deepEqual(after, [
    ['X-Own', 5],
    ['set-cookie', ['a=1', 'b=2']],
    ['access-control-allow-origin', A],
    ['access-control-expose-headers', 'X-D, X-C'],
    ['vary', 'Accept, Origin']
  ])
  after[0][1] = 6
  assert.deepEqual(before, copy)
  const denied = policy.evaluate('GET', { origin: 'https://x.example' }).apply(before)
  assert.deepEqual(denied, [
    ['X-Own', 5],
    ['set-cookie', ['a=1', 'b=2']],
    ['vary', 'Accept, Origin']
  ])
  assert.deepEqual(
    policy.evaluate('GET', { origin: A }).apply([]),
    policy.evaluate('GET', { origin: A }).headers.map(pair => [...pair])
  )
})

test('apply of a decision that was handed out before is of that decision', () => {
  const first = policy.evaluate('GET', { origin: 'https://x.b.example' })
  policy.evaluate('GET', { origin: 'https://y.b.example' })
  assert.equal(first.apply([])[0][1], 'https://x.b.example')
  const echo = new Policy({
    allowOrigins: [A],
    allowMethods: '*',
    allowHeaders: '*',
    allowCredentials: true
  })
  const preflight = echo.evaluate('OPTIONS', {
    origin: A,
    'access-control-request-method': 'PATCH',
    'access-control-request-headers': 'B, a,b'
  })
  assert.deepEqual(
    preflight.apply([]),
    preflight.headers.map(pair => [...pair])
  )
  assert.deepEqual(preflight.headers[3], ['access-control-allow-headers', 'b, a'])
})

test('apply keeps an upstream that speaks for itself', () => {
  const keep = new Policy({ allowOrigins: [A], upstream: 'keep' })
  const after = keep.evaluate('GET', { origin: A }).apply([['Access-Control-Allow-Origin', '*']])
  assert.deepEqual(after, [
    ['Access-Control-Allow-Origin', '*'],
    ['vary', 'Origin']
  ])
})

test('apply takes pairs', () => {
  for (const headers of [undefined, {}, 'x', ['vary', 'x'], [null]])
    assert.throws(() => policy.evaluate('GET', []).apply(headers), TypeError)
})

test('the application is asked, and its verdict counts', () => {
  const asks = new Policy({ allowOrigins: [A], originPredicate: true })
  const tenant = { origin: 'https://t.example' }
  assert.equal(asks.needsVerdict('GET', tenant), 'https://t.example')
  for (const origin of [A, 'null', 'x', undefined, '\u0161'])
    assert.equal(asks.needsVerdict('GET', { origin }), null)
  assert.equal(policy.needsVerdict('GET', tenant), null)
  assert.equal(asks.evaluate('GET', tenant, 'allow').allowed, true)
  for (const verdict of ['deny', undefined, null])
    assert.equal(asks.evaluate('GET', tenant, verdict).allowed, false)
  assert.deepEqual(asks.evaluate('GET', tenant, 'allow').apply([])[0], [
    'access-control-allow-origin',
    'https://t.example'
  ])
  for (const verdict of [true, 1, 'ALLOW', '', {}, 'toString', ['allow']])
    assert.throws(() => asks.evaluate('GET', tenant, verdict), TypeError)
  assert.throws(() => policy.evaluate('GET', tenant, 'allow'), /origin_predicate/)
  assert.throws(() => policy.evaluate('GET', tenant, 'deny'), /origin_predicate/)
})

test('WebSocket handshakes', () => {
  assert.equal(policy.checkWebSocket(A), 'allow')
  assert.equal(policy.checkWebSocket([A]), 'allow')
  assert.equal(policy.checkWebSocket(Buffer.from(A)), 'allow')
  for (const lines of [undefined, null, []]) assert.equal(policy.checkWebSocket(lines), 'absent')
  for (const lines of ['', [A, A], 'https://x.example', 'https://\u0161.example', 5, {}, [5]])
    assert.equal(policy.checkWebSocket(lines), 'deny')
  const any = new Policy({ allowOrigins: '*' })
  assert.deepEqual(
    [any.checkWebSocket(A), any.checkWebSocket(A, { public: true })],
    ['deny', 'allow']
  )
  const asks = new Policy({ originPredicate: true })
  assert.deepEqual(
    [asks.checkWebSocket(A), asks.checkWebSocket(A, { verdict: 'allow' })],
    ['deny', 'allow']
  )
  assert.throws(() => policy.checkWebSocket(A, { verdict: 'allow' }), /origin_predicate/)
  assert.throws(() => asks.checkWebSocket(A, { verdict: 'yes' }), TypeError)
})

test('what node:http gives', async t => {
  const seen = []
  const server = http.createServer((req, res) => {
    seen.push(
      policy.evaluate(req.method, req.rawHeaders).reason,
      policy.evaluate(req.method, req.headers).reason
    )
    res.end()
  })
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address()
  const send = headers =>
    new Promise((resolve, reject) => {
      http
        .get({ port, host: '127.0.0.1', headers, agent: false }, res =>
          res.resume().on('end', resolve)
        )
        .on('error', reject)
    })
  await send({ Origin: A })
  await send({ Origin: [A, A] })
  await send({})
  assert.deepEqual(seen, [
    'allowed',
    'allowed',
    'origin_multiple',
    'origin_multiple',
    'no_origin',
    'no_origin'
  ])
})
