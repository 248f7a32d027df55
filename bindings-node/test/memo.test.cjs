'use strict'
// What is remembered is what the engine says: on every vector and on random questions, asked twice
// so that remembered answers are compared too.

const test = require('node:test')
const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { Counters, Policy, SharedPolicy } = require('..')
const { answerFor, readsNames } = require('../lib/answers/begin.cjs')
const { SOURCE } = require('../lib/engine/policy.cjs')
const { Fields } = require('../lib/fetch/request.cjs')
const { random } = require('./random.cjs')

const vectors = join(__dirname, '..', '..', 'tests', 'vectors')
const read = file =>
  readFileSync(join(vectors, file), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))

/** What Node makes of header lines: lower-case names, values trimmed, repeated lines joined. */
function nodeHeaders(pairs) {
  const headers = {}
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase()
    headers[lower] = lower in headers ? `${headers[lower]}, ${value}` : value
  }
  return headers
}

/** What remembers the answers of a policy that was asked before. */
const memoOf = policy => policy[SOURCE].answers

/** Counts from now on how often the engine is asked. */
function countAsks(policy) {
  const memo = memoOf(policy)
  const { ask } = memo
  const counter = { asked: 0 }
  memo.ask = (...question) => {
    counter.asked += 1
    return ask(...question)
  }
  return counter
}

/** An answer in the form of a decision. */
function decisionOf(answer) {
  const { kind, reason, action, allowed, status, headers, remove, hitRegexStepLimit } = answer
  const pairs = []
  for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i], headers[i + 1]])
  return { kind, reason, action, allowed, status, headers: pairs, remove, hitRegexStepLimit }
}

function assertSame(policy, method, headers, verdict) {
  const expected = { ...policy.evaluate(method, headers, verdict) }
  for (let round = 0; round < 2; round += 1) {
    const answer = answerFor(policy, method, headers, verdict)
    for (const shared of ['headers', 'head', 'emptyHead', 'remove'])
      assert.ok(Object.isFrozen(answer[shared]), shared)
    assert.deepStrictEqual(
      decisionOf(answer),
      expected,
      JSON.stringify([policy.document(), method, headers, verdict]).slice(0, 2000)
    )
  }
}

test('every decision vector', () => {
  const policies = new Map()
  const policyOf = document => {
    const key = JSON.stringify(document)
    if (!policies.has(key)) policies.set(key, new Policy(document))
    return policies.get(key)
  }
  const all = read('decisions.jsonl')
  assert.ok(all.length > 400)
  for (const { policy, request } of all)
    assertSame(policyOf(policy), request.method, nodeHeaders(request.headers), request.verdict)
})

test('every origin vector', () => {
  for (const { policy, origin_lines: lines } of read('contract/origins.jsonl')) {
    let built
    try {
      built = new Policy(policy)
    } catch {
      continue
    }
    assertSame(built, 'GET', nodeHeaders(lines.map(line => ['origin', line])))
  }
})

const POLICIES = [
  { allowOrigins: '*' },
  { allowOrigins: '*', allowMethods: '*', allowHeaders: '*', exposeHeaders: '*', maxAge: 5 },
  { allowOrigins: '*', allowHeaders: ['*', 'Authorization'], allowPrivateNetwork: false },
  {
    allowOrigins: ['https://a.example'],
    singleOrigin: 'static',
    allowCredentials: true,
    exposeHeaders: ['X-A']
  },
  {
    allowOrigins: ['https://a.example', 'https://b.example'],
    allowMethods: ['PUT'],
    allowHeaders: ['X-A', 'Content-Type'],
    allowCredentials: true
  },
  {
    allowOrigins: ['https://a.example', 'https://*.b.example'],
    allowMethods: '*',
    allowHeaders: '*',
    allowCredentials: true,
    maxAge: 60
  },
  {
    allowOrigins: Array.from({ length: 40 }, (_, i) => `https://h${i}.example`),
    allowPrivateNetwork: true,
    upstream: 'keep'
  },
  {
    allowOrigins: ['https://a.example'],
    deniedActual: 'reject',
    ownOrigins: ['https://own.example'],
    deniedPreflightStatus: 204
  },
  {
    allowOrigins: ['https://a.example'],
    allowNullOrigin: true,
    allowOriginRegexes: ['https://r[0-9]+\\.example']
  },
  {
    allowOrigins: ['https://a.example'],
    originPredicate: true,
    allowMethods: ['PUT'],
    allowHeaders: ['*'],
    allowCredentials: true
  }
]
const ORIGINS = [
  undefined,
  'https://a.example',
  'https://b.example',
  'https://x.b.example',
  'https://y.b.example',
  'https://own.example',
  'https://r7.example',
  'http://t.example',
  'https://t.example',
  'null',
  '',
  'https://a.example, https://b.example',
  ' https://a.example',
  'https://a.example ',
  'HTTPS://A.EXAMPLE',
  'https://a.example/',
  'https://a.example:443',
  '\u0161',
  '*',
  'constructor',
  '__proto__',
  'x'.repeat(5000)
]
const METHODS = ['GET', 'POST', 'OPTIONS', 'OPTIONS', 'OPTIONS', 'OPTIONS', 'options', 'PUT', '']
const REQUESTED = [
  undefined,
  'GET',
  'PUT',
  'put',
  'PATCH',
  'CONNECT',
  '',
  'A B',
  'PUT, PUT',
  'x'.repeat(3000)
]
const NAMES = [
  undefined,
  '',
  'x-a',
  'X-A',
  'content-type,x-a',
  'content-type, x-a',
  'authorization',
  'x-b',
  ',',
  ',,x-a',
  'x a',
  'é',
  '"',
  ','.repeat(10000),
  'x-a,'.repeat(2500),
  'x'.repeat(4096),
  'x'.repeat(4097),
  'x-a,'.repeat(70)
]

test('100,000 random questions', () => {
  const pick = random(20261122)
  const of = list => list[pick(list.length)]
  const policies = POLICIES.map(options => new Policy(options))
  for (let i = 0; i < 100_000; i += 1) {
    const which = pick(policies.length)
    const headers = { host: 'h' }
    const origin = pick(4) === 0 ? `https://h${pick(50)}.example` : of(ORIGINS)
    const put = (name, value) => value === undefined || (headers[name] = value)
    put('origin', origin)
    put('access-control-request-method', of(REQUESTED))
    put('access-control-request-headers', of(NAMES))
    put('access-control-request-private-network', of([undefined, undefined, 'true', 'false']))
    put('sec-fetch-site', of([undefined, 'same-origin', 'cross-site', 'none', 'same-origin, none']))
    const verdict = POLICIES[which].originPredicate
      ? of([undefined, null, 'allow', 'deny'])
      : undefined
    const method = of(METHODS)
    // Comparing deeply what is the same object costs the most: once is enough for each.
    const fast = answerFor(policies[which], method, headers, verdict)
    const slow = policies[which].evaluate(method, headers, verdict)
    assert.ok(
      isSame(fast, slow),
      JSON.stringify([POLICIES[which], method, headers, verdict, decisionOf(fast), slow]).slice(
        0,
        3000
      )
    )
  }
})

function isSame(answer, decision) {
  return (
    ['kind', 'reason', 'action', 'allowed', 'status'].every(
      name => answer[name] === decision[name]
    ) &&
    answer.headers.length === 2 * decision.headers.length &&
    decision.headers.every(
      ([name, value], i) => answer.headers[2 * i] === name && answer.headers[2 * i + 1] === value
    ) &&
    answer.remove.join() === decision.remove.join()
  )
}

test('the same request gets the same object', () => {
  const policy = new Policy(POLICIES[4])
  const get = { origin: 'https://a.example' }
  const preflight = {
    ...get,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'content-type,x-a'
  }
  for (const [method, headers] of [
    ['GET', {}],
    ['GET', get],
    ['OPTIONS', get],
    ['OPTIONS', preflight],
    ['GET', { origin: 'https://evil.example' }]
  ]) {
    assert.equal(answerFor(policy, method, headers), answerFor(policy, method, { ...headers }))
  }
})

test('what an attacker chooses is not remembered, and pushes nothing out', () => {
  const policy = new Policy({
    allowOrigins: ['https://a.example', 'https://*.b.example'],
    allowMethods: '*',
    allowHeaders: '*',
    allowCredentials: true
  })
  const good = {
    origin: 'https://a.example',
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'x-a'
  }
  const remembered = [
    answerFor(policy, 'GET', good),
    answerFor(policy, 'OPTIONS', { origin: good.origin })
  ]
  for (let i = 0; i < 20_000; i += 1) {
    for (const origin of [
      `https://e${i}.example`,
      `https://e${i}.b.example`,
      `${' '.repeat(i % 100)}https://a.example`,
      `${i}`
    ]) {
      answerFor(policy, 'GET', { origin })
      answerFor(policy, 'OPTIONS', {
        ...good,
        origin,
        'access-control-request-method': `M${i}`,
        'access-control-request-headers': `x-${i}`
      })
    }
  }
  const memo = memoOf(policy)
  assert.equal(memo.few.length, 1)
  assert.equal(memo.many.size, 0)
  assert.equal(memo.unlisted.items.length, 8)
  assert.ok((memo.few[0].several?.items.length ?? 0) <= 4 && memo.shared.items.length <= 64)
  assert.ok(memo.numbered.size < 20, `${memo.numbered.size}`)
  assert.deepEqual(
    [answerFor(policy, 'GET', good), answerFor(policy, 'OPTIONS', { origin: good.origin })],
    remembered
  )
  assert.equal(answerFor(policy, 'GET', good), remembered[0])
})

test('of refused origins a few are remembered, apart from the others', () => {
  const policy = new Policy({
    allowOrigins: ['https://a.example'],
    deniedActual: 'reject',
    ownOrigins: ['https://own.example']
  })
  const refuse = (origin, site) =>
    answerFor(policy, 'GET', { origin, ...(site && { 'sec-fetch-site': site }) })
  const first = refuse('https://evil.example')
  const counter = countAsks(policy)
  assert.equal(refuse('https://evil.example'), first)
  assert.equal(counter.asked, 0)
  assert.equal(first.action, 'reject')
  // What exempts a request is another text that the answer was given for.
  for (const site of ['same-origin', 'none'])
    for (let i = 0; i < 2; i += 1)
      assert.equal(refuse('https://evil.example', site).action, 'forward')
  assert.equal(refuse('https://evil.example', 'cross-site').action, 'reject')
  const good = answerFor(policy, 'GET', { origin: 'https://a.example' })
  for (let i = 0; i < 10_000; i += 1) refuse(`https://e${i}.example`)
  refuse('x'.repeat(10_000))
  const { items } = memoOf(policy).unlisted
  assert.equal(items.length, 8)
  assert.ok(items.every(({ origin }) => origin.length < 600))
  counter.asked = 0
  assert.equal(answerFor(policy, 'GET', { origin: 'https://a.example' }), good)
  assert.equal(counter.asked, 0)
})

test('an origin that a pattern matches stays remembered while others come once', () => {
  const policy = new Policy({ allowOrigins: ['https://*.b.example'] })
  const ask = origin => answerFor(policy, 'GET', { origin })
  const good = ask('https://x.b.example')
  ask('https://x.b.example')
  const counter = countAsks(policy)
  for (let i = 0; i < 1000; i += 1) {
    counter.asked = 0
    assert.equal(ask('https://x.b.example'), good)
    assert.equal(counter.asked, 0, `after ${i}`)
    for (let junk = 0; junk < 5; junk += 1) ask(`https://e${i}-${junk}.example`)
  }
})

test('of a Request only the fields are read that its decision depends on', () => {
  const headers = new Map(
    Object.entries({
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'x-a',
      'access-control-request-private-network': 'true',
      'sec-fetch-site': 'cross-site'
    })
  )
  const reads = (options, origin, method) => {
    const policy = new Policy(options)
    const read = []
    const fields = () =>
      new Fields(
        {
          get(name) {
            read.push(name)
            return name === 'origin' ? origin : (headers.get(name) ?? null)
          }
        },
        true
      )
    answerFor(policy, method, fields())
    read.length = 0
    answerFor(policy, method, fields())
    return read.map(name => name.replace('access-control-request-', 'acr-'))
  }
  const listed = {
    allowOrigins: ['https://a.example'],
    allowMethods: ['PUT'],
    allowHeaders: ['x-a']
  }
  const own = { deniedActual: 'reject', ownOrigins: ['https://own.example'] }
  assert.deepEqual(reads(listed, null, 'GET'), ['origin'])
  assert.deepEqual(reads(listed, 'https://a.example', 'GET'), ['origin'])
  assert.deepEqual(reads(listed, 'https://evil.example', 'GET'), ['origin'])
  assert.deepEqual(reads({ ...listed, ...own }, 'https://evil.example', 'GET'), [
    'origin',
    'sec-fetch-site'
  ])
  assert.deepEqual(reads(listed, null, 'OPTIONS'), ['origin'])
  assert.deepEqual(reads(listed, 'https://evil.example', 'OPTIONS'), ['origin', 'acr-method'])
  assert.deepEqual(reads(listed, 'https://a.example', 'OPTIONS'), [
    'origin',
    'acr-method',
    'acr-method',
    'acr-headers'
  ])
  assert.ok(
    reads({ ...listed, allowPrivateNetwork: true }, 'https://a.example', 'OPTIONS').includes(
      'acr-private-network'
    )
  )
})

test('a list of requested names is read only where it may count', () => {
  const pick = random(20261129)
  const of = list => list[pick(list.length)]
  const policies = POLICIES.map(options => new Policy(options))
  const reads = (policy, counters = null) => readsNames({ policy, counters })
  const silent = policies.filter(policy => !reads(policy))
  assert.ok(silent.length > 0 && silent.length < policies.length)
  for (let i = 0; i < 20_000; i += 1) {
    const policy = of(silent)
    const headers = { origin: of(ORIGINS), 'access-control-request-method': of(REQUESTED) }
    const [without, withNames] = [
      headers,
      { ...headers, 'access-control-request-headers': of(NAMES) }
    ].map(asked => {
      const { action, status, remove, headers: lines } = policy.evaluate('OPTIONS', asked)
      return { action, status, remove, lines }
    })
    assert.deepEqual(without, withNames)
  }
  const asked = []
  const headers = { get: name => (asked.push(name), null) }
  for (const fields of [new Fields(headers, false), new Fields(headers, true)])
    assert.equal(fields['access-control-request-headers'], undefined)
  assert.deepEqual(asked, ['access-control-request-headers'])
  // Reasons depend on the names: who counts or compares them reads the list.
  const shared = new SharedPolicy(silent[0])
  assert.equal(reads(shared), false)
  assert.equal(reads(shared, new Counters()), true)
  shared.setShadow(silent[0], () => {})
  assert.equal(reads(shared), true)
})

test('the table of a long list of origins is bounded', () => {
  const origins = Array.from({ length: 6000 }, (_, i) => `https://h${i}.example`)
  const policy = new Policy({ allowOrigins: origins })
  for (let round = 0; round < 2; round += 1)
    for (const origin of origins)
      assert.equal(answerFor(policy, 'GET', { origin }).headers[1], origin)
  const { few, many } = memoOf(policy)
  assert.equal(few.length + many.size, 8 + 4096)
})

test('a verdict is for the request it was given for', () => {
  const policy = new Policy({ allowOrigins: ['https://a.example'], originPredicate: true })
  const headers = { origin: 'https://t.example' }
  assert.deepEqual(
    [undefined, 'allow', 'deny', null, 'allow', undefined].map(
      verdict => answerFor(policy, 'GET', headers, verdict).allowed
    ),
    [false, true, false, false, true, false]
  )
  assert.throws(() => answerFor(policy, 'GET', headers, 'yes'), TypeError)
})

test('a server that keeps lines apart gives them as lists', () => {
  const policy = new Policy({ allowOrigins: ['https://a.example'], allowHeaders: ['x-a', 'x-b'] })
  assert.equal(answerFor(policy, 'GET', { origin: ['https://a.example'] }).allowed, true)
  assert.equal(
    answerFor(policy, 'GET', { origin: ['https://a.example', 'https://a.example'] }).reason,
    'origin_multiple'
  )
  assert.equal(
    answerFor(policy, 'OPTIONS', {
      origin: 'https://a.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': ['x-a', 'x-b']
    }).allowed,
    true
  )
  for (const origin of [5, {}, null, true])
    assert.notEqual(answerFor(policy, 'GET', { origin }).allowed, true)
})

test('a preflight in use is not pushed out by others of the same origin', () => {
  const policy = new Policy({
    allowOrigins: ['https://a.example'],
    allowMethods: '*',
    allowHeaders: '*',
    allowCredentials: true
  })
  const preflight = names =>
    answerFor(policy, 'OPTIONS', {
      origin: 'https://a.example',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': names
    })
  preflight('x-good')
  const remembered = preflight('x-good')
  for (let i = 0; i < 3000; i += 1) {
    assert.equal(preflight('x-good'), remembered, `after ${i}`)
    for (let junk = 0; junk < 3; junk += 1) preflight(`x-${i}-${junk}`)
  }
})

/** How many preflights are remembered, and the longest text of one. */
function rememberedBy({ few, many, unlisted, shared, anyOrigin }) {
  const entries = [...few, ...many.values(), ...unlisted.items]
  const tables = [shared, anyOrigin, ...entries.flatMap(entry => entry.several ?? [])]
  const all = tables.flatMap(({ items }) => items)
  const texts = all.map(({ origin, acrm, acrh, acrpn }) =>
    [origin, acrm, acrh, acrpn].reduce((length, text) => length + (text?.length ?? 0), 0)
  )
  return {
    shared: shared.items.length,
    count: all.length,
    longest: Math.max(0, ...texts),
    answers: new Set(all.map(({ outcome }) => outcome)).size
  }
}

const JUNK = {
  'access-control-request-method': 'PUT',
  'access-control-request-private-network': 'x'.repeat(100)
}

test('forged origins of the policy do not make the tables grow by what is requested', () => {
  const origins = Array.from({ length: 4104 }, (_, i) => `https://h${i}.example`)
  const flood = policy => {
    for (const origin of origins) {
      for (let i = 0; i < 8; i += 1) {
        const preflight = {
          ...JUNK,
          origin,
          'access-control-request-headers': `${'x-a,'.repeat(60 + i)}x-b`
        }
        assert.equal(answerFor(policy, 'OPTIONS', preflight).allowed, true)
        answerFor(policy, 'OPTIONS', {
          ...preflight,
          'access-control-request-headers': `${'x-a,'.repeat(200 + i)}x-b`
        })
      }
    }
    return rememberedBy(memoOf(policy))
  }
  const echoing = flood(
    new Policy({
      allowOrigins: origins,
      allowMethods: '*',
      allowHeaders: '*',
      allowCredentials: true
    })
  )
  assert.deepEqual(
    { ...echoing, longest: echoing.longest <= 512 },
    { shared: 64, count: 64, longest: true, answers: 8 }
  )
  const methods = new Policy({ allowOrigins: origins, allowMethods: '*', allowCredentials: true })
  for (const origin of origins)
    for (let i = 0; i < 8; i += 1)
      answerFor(methods, 'OPTIONS', {
        origin,
        'access-control-request-method': `M${'x'.repeat(400)}${i}`
      })
  assert.ok(rememberedBy(memoOf(methods)).count <= 64)
  // Names of the policy's own list: a few for each origin, and one answer for all of them.
  const listing = flood(
    new Policy({
      allowOrigins: origins,
      allowMethods: ['PUT'],
      allowHeaders: ['x-a', 'x-b'],
      allowCredentials: true
    })
  )
  assert.deepEqual(
    { ...listing, longest: listing.longest <= 512 },
    { shared: 0, count: 4 * 4104, longest: true, answers: 4104 }
  )
})

for (const [what, options] of Object.entries({
  repeated: { allowHeaders: '*' },
  "the policy's own": { allowHeaders: ['x-a', 'x-b'] }
})) {
  test(`a preflight in use survives any number of others that come once: names ${what}`, () => {
    const policy = new Policy({
      allowOrigins: ['https://a.example', 'https://b.example'],
      allowMethods: ['PUT'],
      allowCredentials: true,
      ...options
    })
    const preflight = (names, origin = 'https://a.example') =>
      answerFor(policy, 'OPTIONS', {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': names
      })
    preflight('x-a')
    preflight('x-a')
    const counter = countAsks(policy)
    for (let i = 0; i < 200; i += 1) {
      counter.asked = 0
      preflight('x-a')
      assert.equal(counter.asked, 0, `after ${i}`)
      for (let junk = 0; junk < 100; junk += 1)
        preflight(
          `${','.repeat(junk)}x-b,${','.repeat(i)}x-a`,
          junk % 2 === 0 ? undefined : 'https://b.example'
        )
    }
  })
}
