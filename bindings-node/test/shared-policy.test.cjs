'use strict'
// Policies that are replaced while serving, counters, and the helpers of plain servers.

const test = require('node:test')
const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { Counters, Policy, PolicyError, SharedPolicy } = require('..')
const { answerFor } = require('../lib/answers/begin.cjs')

const A = 'https://a.example'
const B = 'https://b.example'
const allows = (shared, origin) => {
  const decided = shared.evaluate('GET', { origin }).allowed
  assert.equal(answerFor(shared, 'GET', { origin }).allowed, decided)
  return decided
}

test('what cannot be made leaves the old policy', t => {
  const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'cors.json')
  const shared = new SharedPolicy({ allowOrigins: [A] })
  const before = shared.policy
  writeFileSync(file, '{"allow_origins": ["b.example"]}')
  assert.throws(
    () => shared.replaceFile(file),
    error => error instanceof PolicyError && error.problems[0].code === 'origin_missing_scheme'
  )
  assert.throws(() => shared.replaceFile(join(directory, 'missing.json')), { code: 'ENOENT' })
  assert.throws(() => shared.replace({ allowOrigins: '*', allowCredentials: true }), PolicyError)
  assert.throws(() => shared.setShadow({}), PolicyError)
  assert.equal(shared.policy, before)
  assert.deepEqual([allows(shared, A), allows(shared, B)], [true, false])
  writeFileSync(file, `{"allow_origins": ["${B}"]}`)
  shared.replaceFile(file)
  assert.deepEqual([allows(shared, A), allows(shared, B)], [false, true])
  assert.deepEqual(shared.document().allow_origins, [B])
  shared.replace(before)
  assert.equal(shared.policy, before)
  assert.equal(shared.warnings, before.warnings)
})

test('a shadow hears of everything and changes nothing', () => {
  const differences = []
  const shared = new SharedPolicy(new Policy({ allowOrigins: [A] }))
  shared.setShadow({ allowOrigins: [A, B], originPredicate: true }, (difference, request) =>
    differences.push([difference, request])
  )
  assert.deepEqual([allows(shared, A), allows(shared, B)], [true, false])
  // Both ways of asking were heard.
  assert.deepEqual(
    differences.map(([{ live, shadow }, { method, headers }]) => [
      live.reason,
      shadow.reason,
      method,
      headers.origin
    ]),
    Array(2).fill(['origin_not_listed', 'allowed', 'GET', B])
  )
  shared.setShadow(null)
  allows(shared, B)
  assert.equal(differences.length, 2)
})

test('a shadow hears of the verdict', () => {
  const seen = []
  const shared = new SharedPolicy({ allowOrigins: [A], originPredicate: true })
  shared.setShadow({ allowOrigins: [A] }, ({ live, shadow }) =>
    seen.push([live.allowed, shadow.allowed])
  )
  assert.equal(answerFor(shared, 'GET', { origin: B }, 'allow').allowed, true)
  assert.equal(answerFor(shared, 'GET', { origin: B }, 'deny').allowed, false)
  assert.equal(shared.evaluate('GET', { origin: B }, 'allow').allowed, true)
  assert.deepEqual(seen, [
    [true, false],
    [true, false]
  ])
})

test('a shared policy says what its policy says', () => {
  const shared = new SharedPolicy({ allowOrigins: ['https://A.example'], maxAge: 5 })
  for (const name of ['warnings', 'notes', 'digest', 'hasOriginPredicate'])
    assert.equal(shared[name], shared.policy[name], name)
  assert.match(shared.digest, /^[0-9a-f]{16}$/)
  const before = shared.digest
  shared.replaceJson('{"allow_origins": ["https://a.example"], "max_age": 5}')
  assert.equal(shared.digest, before)
  shared.replaceToml('allow_origins = ["https://b.example"]')
  assert.notEqual(shared.digest, before)
  shared.replaceDocument({ allow_origins: ['https://a.example'], max_age: 5 })
  assert.equal(shared.digest, before)
})

test('counters', () => {
  const counters = new Counters()
  const policy = new Policy({ allowOrigins: [A] })
  for (const headers of [{ origin: A }, { origin: A }, { origin: B }, { origin: B }, {}])
    counters.record(policy.evaluate('GET', headers))
  assert.deepEqual(
    [
      counters.get('allowed'),
      counters.get('origin_not_listed'),
      counters.get('no_origin'),
      counters.get('origin_null')
    ],
    [2, 2, 1, 0]
  )
  assert.match(
    counters.toPrometheus(),
    new RegExp(
      [
        '^# HELP crossgate_decisions_total [^\\n]*',
        '# TYPE crossgate_decisions_total counter',
        'crossgate_decisions_total\\{reason="allowed"\\} 2\n'
      ].join('\n')
    )
  )
  assert.equal(Object.keys(JSON.parse(JSON.stringify(counters))).length, 13)
  assert.equal(counters.overwroteUpstream, 0)
  assert.throws(() => counters.get('x'), TypeError)
  assert.throws(() => counters.record({}), TypeError)
})

test('handshakes', () => {
  const shared = new SharedPolicy({ allowOrigins: [A] })
  const check = (...rawHeaders) =>
    [shared, shared.policy].map(policy => policy.checkUpgrade({ rawHeaders }))
  assert.deepEqual(check('Origin', A), ['allow', 'allow'])
  assert.deepEqual(check('Origin', A, 'Origin', A), ['deny', 'deny'])
  assert.deepEqual(check('Host', 'h'), ['absent', 'absent'])
  assert.equal(
    new Policy({ allowOrigins: '*' }).checkUpgrade({ rawHeaders: ['Origin', A] }),
    'deny'
  )
  assert.equal(
    new Policy({ allowOrigins: '*' }).checkUpgrade({ rawHeaders: ['Origin', A] }, { public: true }),
    'allow'
  )
})

test('apply reports what it overwrote', () => {
  const decision = new Policy({ allowOrigins: [A] }).evaluate('GET', { origin: A })
  const seen = []
  decision.apply(
    [
      ['Access-Control-Allow-Origin', '*'],
      ['access-control-allow-origin', A],
      ['Access-Control-Max-Age', 5],
      ['Vary', 'Accept'],
      ['X', 'y']
    ],
    (name, value) => seen.push([name, value])
  )
  assert.deepEqual(seen, [
    ['access-control-allow-origin', '*'],
    ['access-control-max-age', '5']
  ])
})

test('a shadow that fails fails no request', t => {
  const warned = []
  t.mock.method(process, 'emitWarning', warning => warned.push(warning))
  const shared = new SharedPolicy({ allowOrigins: [A] })
  shared.setShadow({ allowOrigins: [B] }, () => {})
  const failure = new Error('the shadow failed')
  t.mock.method(Policy.prototype, 'evaluate', () => {
    throw failure
  })
  assert.equal(answerFor(shared, 'GET', { origin: A }).allowed, true)
  assert.deepEqual(warned, [failure])
})
