'use strict'
// Responses that have only some of the methods of node:http's class say what a whole one says.

const test = require('node:test')
const assert = require('node:assert/strict')
const cors = require('..')
const { Counters, Policy } = cors
const { random: seeded } = require('./random.cjs')

const A = 'https://a.example'
const EVIL = 'https://evil.example'
const POLICIES = [
  new Policy({ allowOrigins: [A], allowMethods: ['PUT'], exposeHeaders: ['X-C'] }),
  new Policy({ allowOrigins: [A], allowCredentials: true, preflightStatus: 200 }),
  new Policy({ allowOrigins: '*', upstream: 'keep' }),
  new Policy({ allowOrigins: [A], deniedActual: 'reject', ownOrigins: ['https://own.example'] })
]
const OPTIONAL = ['getHeader', 'getHeaderNames', 'removeHeader', 'writeHead', 'appendHeader']

/** A response with these optional methods, and what was set on it before. */
function fake(methods, before) {
  const headers = new Map(before)
  const all = {
    getHeader: name => headers.get(name.toLowerCase()),
    getHeaderNames: () => [...headers.keys()],
    removeHeader: name => void headers.delete(name.toLowerCase()),
    writeHead(status, given) {
      res.statusCode = status
      for (const [name, value] of Object.entries(given ?? {})) headers.set(name, value)
      return res
    },
    appendHeader: (name, value) => void headers.set(name, value)
  }
  const res = {
    statusCode: 200,
    ended: 0,
    headers,
    setHeader: (name, value) => void headers.set(name.toLowerCase(), value),
    end: () => void (res.ended += 1)
  }
  for (const name of methods) res[name] = all[name]
  return res
}

const said = res => Object.fromEntries([...res.headers].filter(([, value]) => value !== ''))

test('any subset of the methods does', () => {
  const random = seeded(13)
  const pick = values => values[random(values.length)]
  const seen = { allowed: 0, denied: 0, answered: 0 }
  for (let i = 0; i < 4000; i += 1) {
    const methods = OPTIONAL.filter(() => random(2) === 0)
    const canBeAsked = methods.includes('getHeader')
    const before = canBeAsked
      ? [
          ['access-control-allow-origin', pick(['*', EVIL])],
          ['vary', 'Accept']
        ].filter(() => random(5) < 2)
      : []
    const policy = pick(POLICIES)
    const headers = { origin: pick([A, EVIL, undefined]) }
    if (headers.origin === undefined) delete headers.origin
    const method = pick(['GET', 'OPTIONS'])
    if (method === 'OPTIONS') headers['access-control-request-method'] = 'PUT'
    const [whole, partial] = [fake(OPTIONAL, before), fake(methods, before)]
    const results = [whole, partial].map(res => policy.handle({ method, headers }, res))
    // What node:http would do next.
    if (!results[0]) whole.writeHead(200)
    if (!results[1] && partial.writeHead) partial.writeHead(200)
    assert.deepEqual(results[1], results[0])
    assert.deepEqual(said(partial), said(whole), JSON.stringify([methods, method, headers, before]))
    assert.deepEqual([partial.statusCode, partial.ended], [whole.statusCode, whole.ended])
    if (results[0]) seen.answered += 1
    else if (said(whole)['access-control-allow-origin']) seen.allowed += 1
    else seen.denied += 1
  }
  for (const count of Object.values(seen)) assert.ok(count > 300, JSON.stringify(seen))
})

test('the middleware takes the response of a hand-made test', () => {
  const middleware = cors({ origin: [A], credentials: true })
  const counters = new Counters()
  for (const [origin, allowed] of [
    [A, A],
    [EVIL, undefined]
  ]) {
    const res = fake(['getHeader'], [['access-control-allow-origin', '*']])
    let nexts = 0
    middleware({ method: 'GET', headers: { origin } }, res, () => (nexts += 1))
    assert.deepEqual([said(res)['access-control-allow-origin'], nexts], [allowed, 1])
  }
  const res = fake(['getHeader'], [['access-control-allow-origin', '*']])
  POLICIES[0].handle({ method: 'GET', headers: { origin: EVIL } }, res, undefined, counters)
  assert.equal(counters.overwroteUpstream, 1)
})

test('of two policies the last one says it all', () => {
  const random = seeded(14)
  for (let i = 0; i < 1000; i += 1) {
    const methods = OPTIONAL.filter(() => random(2) === 0)
    const policies = [POLICIES[random(POLICIES.length)], POLICIES[random(POLICIES.length)]]
    const headers = random(3) === 0 ? {} : { origin: [A, EVIL][random(2)] }
    const [whole, partial] = [fake(OPTIONAL, []), fake(methods, [])]
    const answered = [whole, partial].map(res =>
      policies.map(policy => policy.handle({ method: 'GET', headers }, res))
    )
    if (answered[0].includes(true)) continue
    for (const res of [whole, partial]) res.writeHead?.(200)
    assert.deepEqual(said(partial), said(whole), JSON.stringify([methods, headers, policies]))
  }
})

test('a head that is sent is left alone', () => {
  const res = { ...fake([], []), headersSent: true }
  POLICIES[0].handle({ method: 'GET', headers: { origin: A } }, res)
  assert.deepEqual(said(res), {})
})
