'use strict'
// Set, merge and remove are carried out by the engine alone (`Decision#apply`). Whatever an
// application says of CORS and Vary, and however it says it, a response ends as the engine says.

const test = require('node:test')
const assert = require('node:assert/strict')
const { IncomingMessage, ServerResponse } = require('node:http')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { Policy } = require('..')
const { answerFor } = require('../lib/answers/begin.cjs')
const { applyToResponse: applyToFetch } = require('../lib/fetch/response.cjs')
const { applyAtHead } = require('../lib/http/late-head.cjs')
const { applyToResponse, endEmpty } = require('../lib/http/response.cjs')
const { isOwn } = require('../lib/engine/own-headers.cjs')
const { random } = require('./random.cjs')

/** The CORS headers and Vary of pairs, each as one value. */
function own(pairs) {
  const found = {}
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase()
    if (isOwn(lower))
      found[lower] =
        lower in found ? `${found[lower]}, ${[value].flat().join(', ')}` : [value].flat().join(', ')
  }
  return found
}

/** What a response without a socket has written. */
const written = res =>
  own(
    res._header
      .split('\r\n')
      .slice(1)
      .filter(Boolean)
      .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)])
  )

function respond(act) {
  const res = new ServerResponse(new IncomingMessage(null))
  act(res)
  if (!res.headersSent) res.writeHead(200)
  return written(res)
}

const setAll = (res, pairs) => pairs.forEach(([name, value]) => res.setHeader(name, value))
const flat = pairs => pairs.flatMap(([name, value]) => [value].flat().flatMap(line => [name, line]))

/** The ways of an application, `at` being the moment when the answer is known. */
const WAYS = {
  'set before': (res, pairs, at) => {
    setAll(res, pairs)
    at(res)
  },
  'set after': (res, pairs, at) => {
    at(res)
    setAll(res, pairs)
  },
  'set after, in an implicit head': (res, pairs, at) => {
    at(res)
    setAll(res, pairs)
    res.end('x')
  },
  'a head': (res, pairs, at) => {
    at(res)
    res.writeHead(200, Object.fromEntries([['X-Own', 'x'], ...pairs]))
  },
  'a head with a reason': (res, pairs, at) => {
    at(res)
    res.writeHead(200, 'Fine', Object.fromEntries(pairs))
  },
  'a head as a list': (res, pairs, at) => {
    at(res)
    res.writeHead(200, ['X-Own', 'x', ...flat(pairs)])
  },
  both: (res, pairs, at) => {
    setAll(res, pairs.slice(1))
    at(res)
    res.writeHead(200, Object.fromEntries(pairs.slice(0, 1)))
  },
  'set and removed': (res, pairs, at) => {
    at(res)
    for (const name of ['Vary', 'access-control-allow-origin', 'X']) res.removeHeader(name)
    setAll(res, pairs)
  }
}

function assertAlike(policy, method, headers, pairs, verdict) {
  const decision = policy.evaluate(method, headers, verdict)
  const expected = own(decision.apply(pairs))
  const about = () => JSON.stringify([policy.document(), method, headers, pairs]).slice(0, 3000)
  const answer = answerFor(policy, method, headers, verdict)
  for (const [way, act] of Object.entries(WAYS)) {
    for (const apply of [applyToResponse, applyAtHead]) {
      assert.deepEqual(
        respond(res => act(res, pairs, res => apply(res, answer))),
        expected,
        `${way}, ${apply === applyAtHead ? 'at the head' : 'ahead'}: ${about()}`
      )
    }
  }
  const response = new Response('x', {
    headers: flat(pairs).reduce(
      (all, part, i, list) => (i % 2 === 0 ? [...all, [part, list[i + 1]]] : all),
      []
    )
  })
  assert.deepEqual(
    own([...applyToFetch(response, answer).headers]),
    expected,
    `Response: ${about()}`
  )
}

/** What applications say. Each name once, as in an object. */
const SAID = [
  [
    'Vary',
    [
      'Accept-Encoding',
      'origin',
      'ORIGIN, Accept',
      '*',
      '',
      ['Accept', 'Origin'],
      'Access-Control-Request-Method,Origin'
    ]
  ],
  ['Access-Control-Allow-Origin', ['*', 'https://a.example', 'https://evil.example', 'null']],
  ['access-control-allow-credentials', ['true', 'false']],
  ['Access-Control-Expose-Headers', ['X-Own', 'x-a', '*', 'X-A,X-C', ['X-B', 'X-D']]],
  ['ACCESS-CONTROL-ALLOW-METHODS', ['PUT', '*']],
  ['Access-Control-Allow-Headers', ['X-A']],
  ['Access-Control-Max-Age', ['5']],
  ['access-control-allow-private-network', ['true']],
  ['ETag', ['"x"']],
  ['Link', ['</x>']],
  ['Access-Control-Allow-Originally', ['x']]
]

const POLICIES = [
  { allowOrigins: '*', exposeHeaders: ['X-A', 'X-B'] },
  {
    allowOrigins: ['https://a.example'],
    allowCredentials: true,
    exposeHeaders: ['X-A', 'X-B'],
    allowMethods: ['PUT'],
    maxAge: 5
  },
  {
    allowOrigins: ['https://a.example'],
    upstream: 'keep',
    allowCredentials: true,
    exposeHeaders: ['X-A']
  },
  { allowOrigins: ['https://a.example'], singleOrigin: 'static' },
  {
    allowOrigins: ['https://a.example', 'https://*.b.example'],
    allowHeaders: '*',
    allowMethods: '*',
    allowCredentials: true,
    allowPrivateNetwork: true
  }
].map(options => new Policy(options))

const REQUESTS = [
  ['GET', {}],
  ['GET', { origin: 'https://a.example' }],
  ['POST', { origin: 'https://evil.example' }],
  ['GET', { origin: 'https://x.b.example' }],
  ['OPTIONS', {}],
  [
    'OPTIONS',
    {
      origin: 'https://a.example',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'x-a',
      'access-control-request-private-network': 'true'
    }
  ],
  ['OPTIONS', { origin: 'https://evil.example', 'access-control-request-method': 'PUT' }]
]

test('5,000 random responses, said in every way', () => {
  const pick = random(20261128)
  for (let i = 0; i < 5000; i += 1) {
    const pairs = SAID.filter(() => pick(4) === 0).map(([name, values]) => [
      name,
      values[pick(values.length)]
    ])
    const [method, headers] = REQUESTS[pick(REQUESTS.length)]
    assertAlike(POLICIES[pick(POLICIES.length)], method, headers, pairs)
  }
})

test('every decision vector, on a response that speaks for itself and on one that does not', () => {
  const vectors = readFileSync(
    join(__dirname, '..', '..', 'tests', 'vectors', 'decisions.jsonl'),
    'utf8'
  )
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
  assert.ok(vectors.length > 400)
  const said = [
    ['Vary', 'Accept'],
    ['Access-Control-Allow-Origin', '*'],
    ['Access-Control-Expose-Headers', 'X-Own'],
    ['Access-Control-Max-Age', '9']
  ]
  for (const { policy: document, request } of vectors) {
    const headers = {}
    for (const [name, value] of request.headers)
      headers[name.toLowerCase()] =
        name.toLowerCase() in headers ? `${headers[name.toLowerCase()]}, ${value}` : value
    const policy = new Policy(document)
    for (const pairs of [[], said, said.slice(0, 1)])
      assertAlike(policy, request.method, headers, pairs, request.verdict)
  }
})

test('of several answers the last one counts, whichever way each is given', () => {
  const wrap = res => {
    const before = res.writeHead
    res.writeHead = function (...args) {
      return before.apply(this, args)
    }
  }
  const of = (policy, origin) => answerFor(policy, 'GET', { origin })
  for (const origin of ['https://a.example', 'https://evil.example']) {
    const expected = own(POLICIES[1].evaluate('GET', { origin }).headers)
    for (const first of [applyAtHead, applyToResponse]) {
      for (const second of [applyAtHead, applyToResponse]) {
        for (const between of [() => {}, wrap]) {
          for (const end of [
            res => res.writeHead(200),
            res => res.writeHead(200, { etag: 'x' }),
            res => res.end('x')
          ]) {
            const said = respond(res => {
              first(res, of(POLICIES[0], origin))
              between(res)
              second(res, of(POLICIES[1], origin))
              end(res)
            })
            assert.deepEqual(
              said,
              expected,
              `${first.name}, ${between.name}, ${second.name}, ${end}: ${origin}`
            )
          }
        }
      }
    }
    const rejecting = new Policy({
      allowOrigins: ['https://b.example'],
      deniedActual: 'reject',
      ownOrigins: ['https://own.example']
    })
    for (const first of [applyAtHead, applyToResponse])
      assert.deepEqual(
        respond(res => {
          first(res, of(POLICIES[0], origin))
          endEmpty(res, of(rejecting, origin))
        }),
        { vary: 'Origin' }
      )
  }
})
