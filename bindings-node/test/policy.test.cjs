'use strict'
// Making policies: every odd value becomes a problem, never a TypeError.

const test = require('node:test')
const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const cors = require('..')
const { Policy, PolicyError, SharedPolicy } = cors

const ORIGINS = ['https://a.example']

/** The problems of options that must not build. */
function problems(make) {
  let thrown
  try {
    make()
  } catch (error) {
    thrown = error
  }
  assert.ok(thrown instanceof PolicyError, `${thrown}`)
  return thrown.problems
}
const codes = make => problems(make).map(problem => problem.code)

test('camelCase and snake_case say the same', () => {
  const camel = new Policy({
    allowOrigins: ORIGINS,
    allowMethods: ['PUT'],
    maxAge: 60,
    allowCredentials: true
  })
  const snake = new Policy({
    allow_origins: ORIGINS,
    allow_methods: ['PUT'],
    max_age: 60,
    allow_credentials: true
  })
  assert.ok(camel.equals(snake))
  assert.ok(!camel.equals(new Policy({ allowOrigins: ORIGINS })))
  assert.ok(!camel.equals({}) && !camel.equals(null) && !camel.equals(undefined))
})

test('an option in both spellings stands twice', () => {
  assert.deepEqual(
    codes(() => new Policy({ allowOrigins: ORIGINS, allow_origins: ORIGINS })),
    ['duplicate_option']
  )
})

test('every problem is collected, and shown on a line of its own', () => {
  try {
    new Policy({ allowOrigins: ['https://a.example/', 'null'], allowMethod: ['PUT'] })
    assert.fail()
  } catch (error) {
    assert.equal(error.name, 'PolicyError')
    assert.ok(error instanceof Error && error instanceof PolicyError)
    assert.deepEqual(error.problems.map(p => p.code).sort(), [
      'origin_has_path',
      'origin_null',
      'unknown_option'
    ])
    const lines = error.message.split('\n')
    assert.equal(lines.length, 4)
    for (const { code } of error.problems)
      assert.equal(lines.filter(line => line.includes(code)).length, 1)
    assert.ok(Object.isFrozen(error.problems) && Object.isFrozen(error.problems[0]))
    const found = error.problems.find(p => p.code === 'origin_has_path')
    assert.deepEqual(
      { ...found, message: '' },
      {
        severity: 'error',
        code: 'origin_has_path',
        path: 'allow_origins[0]',
        value: 'https://a.example/',
        message: '',
        hint: 'https://a.example'
      }
    )
    assert.equal(problems(() => new Policy())[0].hint, null)
  }
})

test('values of odd types become option_type', () => {
  const odd = [
    /x/,
    {},
    () => {},
    Symbol('s'),
    5n,
    new Date(),
    new Map(),
    new String('https://a.example'),
    new Set(ORIGINS),
    5,
    true,
    null,
    NaN,
    -Infinity,
    Object.create(null)
  ]
  for (const value of odd) {
    for (const options of [
      { allowOrigins: value },
      { allowOrigins: [value] },
      { allowOrigins: [[value]] }
    ]) {
      assert.ok(
        codes(() => new Policy(options)).includes('option_type'),
        `${String(Object.prototype.toString.call(value))}`
      )
    }
  }
  const named = (value, name) =>
    assert.match(problems(() => new Policy({ allowOrigins: [value] }))[0].message, new RegExp(name))
  named(/x/, 'regex')
  named({}, 'object')
  named(() => {}, 'function')
  named(undefined, 'undefined')
  named(Symbol('s'), 'symbol')
})

test('a list that holds itself ends', () => {
  const list = ['https://a.example']
  list.push(list)
  assert.ok(codes(() => new Policy({ allowOrigins: list })).includes('option_type'))
})

test('numbers', () => {
  assert.equal(new Policy({ allowOrigins: ORIGINS, maxAge: 600 }).document().max_age, 600)
  for (const maxAge of [1.5, -1, NaN, Infinity, 1e300, 2 ** 53 + 2]) {
    assert.ok(
      codes(() => new Policy({ allowOrigins: ORIGINS, maxAge })).some(code =>
        code.startsWith('max_age')
      ),
      `${maxAge}`
    )
  }
})

test('undefined leaves an option out, null does so for maxAge alone', () => {
  const policy = new Policy({
    allowOrigins: ORIGINS,
    maxAge: null,
    allowMethods: undefined,
    allow_origins: undefined,
    nonsense: undefined
  })
  assert.ok(policy.equals(new Policy({ allowOrigins: ORIGINS })))
  assert.deepEqual(
    codes(() => new Policy({ allowOrigins: ORIGINS, allowMethods: null })),
    ['option_type']
  )
})

test('options that are not one object', () => {
  assert.deepEqual(
    codes(() => new Policy()),
    ['origins_empty']
  )
  assert.deepEqual(
    codes(() => new Policy({})),
    ['origins_empty']
  )
  for (const options of [
    null,
    [],
    'x',
    5,
    true,
    new Map([['allowOrigins', ORIGINS]]),
    () => {},
    /x/
  ]) {
    assert.deepEqual(
      codes(() => new Policy(options)),
      ['document_invalid'],
      String(options)
    )
  }
})

test('options are own properties: a polluted prototype opens nothing', () => {
  Object.prototype.allow_origins = '*'
  try {
    assert.deepEqual(
      codes(() => new Policy({})),
      ['origins_empty']
    )
  } finally {
    delete Object.prototype.allow_origins
  }
})

test('lone surrogates and control characters in options are problems', () => {
  for (const origin of [
    'https://\ud800.example',
    'https://a\0.example',
    'https://a.example\n',
    ''
  ]) {
    assert.notEqual(problems(() => new Policy({ allowOrigins: [origin] })).length, 0)
  }
})

test('warnings are frozen and the same every time', () => {
  const policy = new Policy({ allowOrigins: ['https://A.example'] })
  assert.deepEqual(
    policy.warnings.map(w => [w.severity, w.code, w.hint]),
    [['warning', 'origin_not_canonical', 'https://a.example']]
  )
  assert.ok(Object.isFrozen(policy.warnings) && Object.isFrozen(policy.warnings[0]))
  assert.equal(policy.warnings, policy.warnings)
})

test('the document is a new plain object that builds an equal policy', () => {
  const policy = new Policy({ allowOrigins: ['HTTPS://A.example:443'], maxAge: 5 })
  const document = policy.document()
  assert.deepEqual(document.allow_origins, ORIGINS)
  assert.equal(Object.keys(document).length, 17)
  document.allow_origins.push('https://evil.example')
  assert.deepEqual(policy.document().allow_origins, ORIGINS)
  const again = new Policy(policy.document())
  assert.ok(again.equals(policy) && again.warnings.length === 0)
})

test('JSON and TOML', () => {
  const policy = Policy.fromJson('{"allow_origins": ["https://a.example"], "max_age": 5}')
  assert.ok(policy instanceof Policy)
  assert.ok(policy.equals(Policy.fromToml("allow_origins = ['https://a.example']\nmax_age = 5")))
  assert.deepEqual(
    codes(() => Policy.fromJson('{')),
    ['document_invalid']
  )
  assert.deepEqual(
    codes(() => Policy.fromToml('= 5')),
    ['document_invalid']
  )
  assert.deepEqual(
    codes(() => Policy.fromJson('{"max_age":1,"max_age":2,"allow_origins":"*"}')),
    ['duplicate_option']
  )
  assert.throws(() => Policy.fromJson({}), TypeError)
})

test('files', t => {
  const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const at = name => join(directory, name)
  writeFileSync(at('a.json'), '{"allow_origins": ["https://a.example"]}')
  writeFileSync(at('a.toml'), 'allow_origins = ["https://a.example"]')
  writeFileSync(at('bad.json'), '{"allow_origins": []}')
  writeFileSync(at('a.yaml'), 'allow_origins: "*"')
  mkdirSync(at('directory.json'))
  assert.ok(Policy.fromFile(at('a.json')).equals(Policy.fromFile(pathToFileURL(at('a.toml')))))
  assert.deepEqual(
    codes(() => Policy.fromFile(at('bad.json'))),
    ['origins_empty']
  )
  const fails = (name, code) =>
    assert.throws(
      () => Policy.fromFile(at(name)),
      error => error.code === code && error.path === at(name) && error.message.startsWith(code)
    )
  fails('missing.json', 'ENOENT')
  fails('a.json/b.json', 'ENOTDIR')
  fails('a.yaml', 'EINVAL')
  assert.throws(() => Policy.fromFile(5), TypeError)
})

test('only a regular file of a bounded size is read', { skip: process.platform === 'win32' }, t => {
  const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const at = name => join(directory, name)
  mkdirSync(at('directory.json'))
  execFileSync('mkfifo', [at('fifo.json')])
  symlinkSync('/dev/zero', at('device.json'))
  writeFileSync(at('large.json'), '')
  truncateSync(at('large.json'), 2 ** 31)
  const shared = new SharedPolicy(new Policy({ allowOrigins: ['https://a.example'] }))
  const before = shared.policy
  for (const [name, code] of [
    ['directory', 'document_not_a_file'],
    ['fifo', 'document_not_a_file'],
    ['device', 'document_not_a_file'],
    ['large', 'document_too_large']
  ]) {
    const file = at(`${name}.json`)
    for (const load of [() => Policy.fromFile(file), () => shared.replaceFile(file)])
      assert.deepEqual(codes(load), [code])
  }
  assert.equal(shared.policy, before)
})

test('after a thousand problems the rest are counted', () => {
  const allowOrigins = Array.from({ length: 1500 }, (_, i) => `https://a${i}.example/`)
  const counted = error =>
    error.problems.length === 1000 && error.omitted === 500 && /and 500 more$/.test(error.message)
  assert.throws(() => new Policy({ allowOrigins }), counted)
  assert.throws(() => cors({ origin: allowOrigins }), counted)
  const upper = new Policy({ allowOrigins: allowOrigins.map(o => o.slice(0, -1).toUpperCase()) })
  assert.deepEqual([upper.warnings.length, upper.omittedProblems], [1000, 500])
  const few = new Policy({ allowOrigins: ['https://a.example'] })
  assert.equal(few.omittedProblems, 0)
  assert.equal(new SharedPolicy(upper).omittedProblems, 500)
})

test('the environment', t => {
  const env = {
    CORS_ALLOW_ORIGINS: 'https://a.example, https://b.example',
    CORS_MAX_AGE: '5',
    CORS_UPSTREAM: undefined,
    OTHER: 'x'
  }
  const policy = Policy.fromEnv('CORS', env)
  assert.deepEqual(policy.document().allow_origins, ['https://a.example', 'https://b.example'])
  assert.deepEqual(
    codes(() => Policy.fromEnv('CORS', { CORS_ALLOWED_ORIGINS: '*' })),
    ['unknown_option', 'origins_empty']
  )
  process.env.CROSSGATE_TEST_ALLOW_ORIGINS = '*'
  t.after(() => delete process.env.CROSSGATE_TEST_ALLOW_ORIGINS)
  assert.equal(Policy.fromEnv('CROSSGATE_TEST').document().allow_origins, '*')
})

test('a method without its policy is a TypeError, not a crash', () => {
  assert.throws(() => Policy.prototype.evaluate.call({}, 'GET', []), TypeError)
  assert.throws(() => Policy({}), TypeError)
})

test('subclasses', () => {
  class Mine extends Policy {}
  assert.ok(Mine.fromJson('{"allow_origins":"*"}') instanceof Mine)
})
