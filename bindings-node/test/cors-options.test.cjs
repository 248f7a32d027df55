'use strict'
// The options of `cors` as policies. What is answered in Express is compared in
// tests/peers/node/express.

const test = require('node:test')
const assert = require('node:assert/strict')
const { PolicyError, SharedPolicy, cors } = require('..')

const A = 'https://a.example.com'
const problems = options => {
  try {
    cors(options)
  } catch (error) {
    assert.ok(error instanceof PolicyError, String(error))
    return error.problems
      .filter(problem => problem.severity === 'error')
      .map(({ code, path }) => `${code} ${path}`)
  }
  return []
}

const problemText = options => {
  try {
    cors(options)
  } catch (error) {
    return error.message
  }
  return ''
}

test('every problem is named in the words of cors, at once', () => {
  assert.deepEqual(
    problems({
      origin: ['a.example.com', 5, '*', /example\.com$/],
      methods: 5,
      allowedHeaders: '',
      credentials: 'true',
      maxAge: -1,
      optionsSuccessStatus: 500,
      preflightContinue: 1,
      origins: A
    }),
    [
      'unknown_option origins',
      'option_type preflightContinue',
      'option_type origin[1]',
      'any_mixed origin[2]',
      'option_type methods',
      'option_type allowedHeaders',
      'option_type credentials',
      'origin_missing_scheme origin[0]',
      'regex_never_matches origin[3]',
      'max_age_invalid maxAge',
      'preflight_status_not_ok optionsSuccessStatus'
    ]
  )
  assert.deepEqual(problems({ origin: '*', credentials: true }), ['any_with_credentials origin'])
  assert.deepEqual(problems({ origin: `${A}/` }), ['origin_has_path origin'])
  assert.deepEqual(problems({ policy: {}, origin: A }), [
    'option_type policy',
    'option_type origin'
  ])
  for (const options of [5, 'x', [], new Map()])
    assert.deepEqual(problems(options), ['document_invalid '])
  assert.throws(
    () => cors({ origins: A }),
    new RegExp(
      'unknown_option at origins = https://a\\.example\\.com: crossgate: there is no such ' +
        'option; the options are origin,'
    )
  )
})

test('a RegExp is read by its own rules and matches whole origins', () => {
  const allows = (origin, text) => {
    const { policy } = cors({ origin })
    return [policy.evaluate('GET', { origin: text }).allowed, policy.hasOriginPredicate]
  }
  for (const regex of [
    /^https:\/\/[a-z]+\.example\.com$/,
    /https:\/\/(?:a|b)\.example\.com/i,
    /^https:\/\/a\.example\.com$/gy,
    /^https:\/\/\w\.example\.com(?::\d{2,4})?$/,
    /^https:\/\/(?=a)a\.example\.com$/,
    /^https:\/\/(?<name>a)\.example\.com$/,
    /^https:\/\/\x61\.example\.com$/,
    /^https:\/\/\u0061.example.com$/
  ]) {
    assert.deepEqual(allows(regex, A), [true, false], String(regex))
    assert.deepEqual(allows(regex, `${A}.evil.example`), [false, false], String(regex))
  }
  const disguised = /^https:\/\/a\.example\.com$/
  for (const name of ['source', 'flags']) Object.defineProperty(disguised, name, { value: '.*' })
  assert.deepEqual(allows(disguised, 'https://evil.example'), [false, false])
})

test('with credentials a RegExp that cannot be checked is refused', async () => {
  const unchecked = /^https:\/\/(?=a)a\.example\.com$/
  assert.deepEqual(problems({ origin: [A, unchecked], credentials: true }), [
    'regex_unsupported origin[1]'
  ])
  assert.deepEqual(problems({ origin: unchecked }), [])
  assert.match(
    problemText({ origin: unchecked, credentials: true }),
    /look-around.*nobody can check/
  )
})

test('an empty list allows no origin, and false turns CORS off', () => {
  assert.equal(cors({ origin: [] }).policy.evaluate('GET', { origin: A }).allowed, false)
  assert.equal(cors({ origin: false }).policy, null)
})

test('lists are joined as cors joins them', () => {
  const preflight = {
    origin: A,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'x-a'
  }
  const headers = Object.fromEntries(
    cors({ origin: [A], allowedHeaders: ['X-A', 'X-B'] }).policy.evaluate('OPTIONS', preflight)
      .headers
  )
  assert.deepEqual(
    [headers['access-control-allow-methods'], headers['access-control-allow-headers']],
    ['GET,HEAD,PUT,PATCH,POST,DELETE', 'X-A,X-B']
  )
})

test('a policy is taken as it is', () => {
  const shared = new SharedPolicy({ allowOrigins: [A] })
  assert.equal(cors({ policy: shared }).policy, shared)
})
