'use strict'
// What an application's function answered: the shared vectors, values that only JavaScript has, and
// that every adapter reads them alike.

const test = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { Counters, Policy, cors } = require('..')
const { withCors } = require('../adapters/fetch.cjs')
const { decide } = require('../lib/answers/decide.cjs')
const { judge } = require('../lib/answers/judge.cjs')
const { SOURCE } = require('../lib/engine/policy.cjs')

const A = 'https://a.example'
const ASKS = { originPredicate: true }
const WITH_CREDENTIALS = { originPredicate: true, allowCredentials: true }

/** Whether an answer allows the origin, and what was told. */
function ask(options, origin, answer) {
  const reports = []
  const decider = {
    policy: options instanceof Policy ? options : new Policy(options),
    predicate: (asked, context, settle) => settle(null, answer),
    report: error => reports.push(error.message),
    counters: new Counters()
  }
  const { allowed } = decide(decider, 'GET', { origin })
  assert.equal(decider.counters.predicateFailed, reports.length)
  return { allowed, told: reports }
}

/** An answer as a vector spells it, in JavaScript. */
function valueOf(spelled) {
  if (Array.isArray(spelled)) return spelled.map(valueOf)
  if (typeof spelled !== 'object' || spelled === null) return spelled
  return 'regex' in spelled
    ? new RegExp(spelled.regex, spelled.flags)
    : Object.create({ [Symbol.toStringTag]: spelled.other })
}

test('the vectors', () => {
  const text = readFileSync(join(__dirname, '../../tests/vectors/answers.jsonl'), 'utf8')
  const vectors = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
    // Node asks no function about handshakes.
    .filter(vector => vector.socket === undefined)
  assert.ok(vectors.length > 80)
  for (const { id, policy, origin, answer, expect, told } of vectors) {
    let value
    try {
      value = valueOf(answer)
    } catch (error) {
      // JavaScript itself refuses some regexes.
      assert.ok(error instanceof SyntaxError, id)
      continue
    }
    const found = ask(policy, origin, value)
    assert.deepEqual(
      [id, found.allowed ? 'allow' : 'deny', found.told.length > 0],
      [id, expect, told]
    )
  }
})

test('what needs no engine is what the engine says', () => {
  for (const options of [ASKS, WITH_CREDENTIALS]) {
    const source = new Policy(options)[SOURCE]
    for (const [answer, kind, texts] of [
      [true, 't', []],
      [false, 'f', []],
      [undefined, 'f', []],
      [null, 'f', []],
      [A, 's', [A]]
    ]) {
      const { allowed, fault } = source.judge(A, false, kind, texts)
      assert.deepEqual(judge(source, A, answer), { allowed, fault })
    }
  }
})

/** Values that only JavaScript has; each denies and is told. */
const ODD = {
  'a number': 1,
  'a bigint': 1n,
  'a symbol': Symbol(A),
  'an object': { origin: A },
  'an origin as an object': Object(A),
  'true as an object': Object(true),
  'a URL': new URL(A),
  'a function': () => true,
  'a generator': (function* () {
    yield true
  })(),
  'a set': new Set([A]),
  'a proxy of a list': new Proxy([A], {}),
  'a proxy of a RegExp': new Proxy(/https:\/\/a\.example/, {}),
  'a revoked proxy': (() => {
    const { proxy, revoke } = Proxy.revocable([], {})
    revoke()
    return proxy
  })(),
  'what looks like a RegExp': { source: '.*', flags: '', test: () => true, exec: () => [A] },
  'what inherits from RegExp': Object.create(RegExp.prototype),
  'what says that it is text': {
    toString: () => A,
    valueOf: () => A,
    [Symbol.toPrimitive]: () => A
  },
  'what throws when it is looked at': {
    get [Symbol.toStringTag]() {
      throw new Error('no')
    }
  },
  'a list with a promise': [Promise.resolve(true)],
  'a list with an object': [Object(A)],
  'a list with a hole and a proxy': [, new Proxy({}, {})] // eslint-disable-line no-sparse-arrays
}

for (const [name, value] of Object.entries(ODD)) {
  test(`${name} denies and is told`, async () => {
    for (const options of [ASKS, WITH_CREDENTIALS]) {
      const { allowed, told } = ask(options, A, value)
      assert.deepEqual([allowed, told.length], [false, 1])
    }
  })
}

test('a RegExp is read by what it is, and not by what a class made of it', () => {
  class Everything extends RegExp {
    get source() {
      return '.*'
    }
    get flags() {
      return ''
    }
    exec() {
      return [A]
    }
    test() {
      return true
    }
  }
  const everything = new Everything(String.raw`https:\/\/b\.example`)
  for (const options of [ASKS, WITH_CREDENTIALS])
    assert.deepEqual(ask(options, A, everything), { allowed: false, told: [] })
})

test('a list is read as the array that it is', () => {
  class Everything extends Array {
    includes() {
      return true
    }
    some() {
      return true
    }
  }
  assert.equal(ask(ASKS, A, Everything.of('https://b.example')).allowed, false)
  assert.equal(ask(ASKS, A, Everything.of(A)).allowed, true)
})

test('a RegExp that configuration would refuse is told once', () => {
  const policy = new Policy(WITH_CREDENTIALS)
  const regex = /https:\/\/.*told-once\.example/
  const [first, ...others] = [1, 2, 3].map(() => ask(policy, 'https://a.told-once.example', regex))
  assert.equal(first.allowed, false)
  assert.match(first.told[0], /regex_label_boundary/)
  assert.deepEqual(others, [
    { allowed: false, told: [] },
    { allowed: false, told: [] }
  ])
})

async function express(t, options) {
  const middleware = cors(options)
  const server = http.createServer((req, res) => middleware(req, res, () => res.end('handler')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return async () => {
    const { port } = server.address()
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { origin: A } })
    assert.equal(await response.text(), 'handler')
    return response.headers.get('access-control-allow-origin')
  }
}

test('adapters read answers alike, with credentials and without', async t => {
  t.mock.method(process, 'emitWarning', () => {})
  t.mock.method(console, 'error', () => {})
  const answers = [true, false, null, A, A.toUpperCase(), '*', ['*'], [true], [[A]], [A], 1, 'true']
  for (const credentials of [false, true]) {
    for (const answer of answers) {
      const { allowed } = ask(credentials ? WITH_CREDENTIALS : ASKS, A, answer)
      const expected = allowed ? A : null
      const what = `${JSON.stringify(answer)}, credentials ${credentials}`
      for (const origin of [
        (asked, callback) => callback(null, answer),
        (asked, callback) => setImmediate(callback, null, answer),
        (asked, callback) => callback(null, Promise.resolve(answer)),
        async (asked, callback) => callback(null, answer)
      ]) {
        const send = await express(t, { origin, credentials })
        assert.equal(await send(), expected, `Express: ${what}`)
      }
      const fetches = withCors(() => new Response('handler'), { origin: () => answer, credentials })
      const response = await fetches(new Request('http://b.example/', { headers: { origin: A } }))
      assert.equal(response.headers.get('access-control-allow-origin'), expected, `fetch: ${what}`)
    }
  }
})

test('a ready policy with credentials is asked about with credentials', async () => {
  const policy = new Policy(WITH_CREDENTIALS)
  const counters = new Counters()
  const fetches = withCors(() => new Response(''), { policy, origin: () => '*', counters })
  const error = console.error
  console.error = () => {}
  try {
    const response = await fetches(new Request('http://b.example/', { headers: { origin: A } }))
    assert.equal(response.headers.get('access-control-allow-origin'), null)
  } finally {
    console.error = error
  }
  assert.equal(counters.predicateFailed, 1)
  assert.match(counters.toPrometheus(), /\ncrossgate_predicate_failed_total 1\n/)
})

test('Express: a function beside a policy that rejects keeps requests away', async t => {
  t.mock.method(process, 'emitWarning', () => {})
  const policy = new Policy({
    originPredicate: true,
    deniedActual: 'reject',
    ownOrigins: ['https://own.example']
  })
  const origin = (asked, callback) =>
    asked === A ? callback(null, true) : callback(new Error('not one of ours'))
  const middleware = cors({ policy, origin })
  const server = http.createServer((req, res) => middleware(req, res, () => res.end('handler')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const ask = async asked => {
    const url = `http://127.0.0.1:${server.address().port}/`
    const response = await fetch(url, { headers: { origin: asked } })
    return [response.status, await response.text()]
  }
  assert.deepEqual(await ask(A), [200, 'handler'])
  assert.deepEqual(await ask('https://evil.example'), [403, ''])
})

test('Express: the request is the third argument of the function', async t => {
  const seen = []
  const send = await express(t, {
    origin: (origin, callback, req) => {
      seen.push(req.url)
      callback(null, true)
    }
  })
  assert.equal(await send(), A)
  assert.deepEqual(seen, ['/'])
})

test('options are own properties', async t => {
  for (const [name, value] of Object.entries({ origin: '*', credentials: true })) {
    Object.prototype[name] = value // eslint-disable-line no-extend-native
    try {
      const { policy } = cors({ ...(name === 'origin' ? {} : { origin: [A] }) })
      const document = policy.document()
      assert.deepEqual(
        [document.allow_origins, document.allow_credentials],
        name === 'origin' ? ['*', false] : [[A], false]
      )
    } finally {
      delete Object.prototype[name]
    }
  }
  class Options {
    get origin() {
      return '*'
    }
  }
  // Nobody wrote it: the default holds.
  assert.equal(cors(Object.assign(new Options(), { maxAge: 5 })).policy.document().max_age, 5)
})

test('an option that names who may come is written with a value', () => {
  const unset = options => {
    try {
      cors(options)
    } catch (error) {
      return error.problems.map(({ code, path }) => `${code} ${path}`)
    }
    return []
  }
  for (const value of [undefined, null, '', ' \t']) {
    assert.deepEqual(unset({ origin: value }), ['option_unset origin'])
    assert.deepEqual(unset({ origin: value, credentials: true }), ['option_unset origin'])
    assert.deepEqual(unset({ policy: value, origin: [A] }), ['option_unset policy'])
    assert.throws(() => withCors(() => {}, { origin: value }), /option_unset at origin/)
  }
  assert.deepEqual(unset({ origin: [], methods: undefined, maxAge: undefined }), [])
})
