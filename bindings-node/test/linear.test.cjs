'use strict'
// What a request may be as long as: the time grows no faster than the text, through `evaluate` and
// through an adapter.

const test = require('node:test')
const assert = require('node:assert/strict')
const { Policy } = require('..')
const { answerFor } = require('../lib/answers/begin.cjs')
const { decideFetch } = require('../lib/fetch/decide.cjs')
const { readOptions } = require('../lib/options/hono.cjs')

const A = 'https://a.example'
const KB = 1024
const POLICIES = {
  'a list': {
    allowOrigins: [A, 'https://*.b.example', 'https://{digits}.c.example'],
    allowOriginRegexes: ['https://[a-z0-9-]+\\.d\\.example'],
    allowMethods: ['PUT'],
    allowHeaders: ['x-a', 'x-b'],
    allowCredentials: true
  },
  // Reads a list to its end.
  'any name': { allowOrigins: '*', allowHeaders: '*' },
  'what repeats': {
    allowOrigins: [A, 'https://*.b.example'],
    allowMethods: '*',
    allowHeaders: '*',
    allowCredentials: true
  }
}
const PREFLIGHT = { origin: A, 'access-control-request-method': 'PUT' }
/** Header fields of so many characters. */
const TEXTS = {
  'names of the list': size => ({
    ...PREFLIGHT,
    'access-control-request-headers': 'x-a,'.repeat(size / 4)
  }),
  'other names': size => ({
    ...PREFLIGHT,
    'access-control-request-headers': Array.from({ length: size / 8 }, (_, i) =>
      `n${i}`.padEnd(7, 'x')
    ).join(',')
  }),
  'one name': size => ({ ...PREFLIGHT, 'access-control-request-headers': 'x'.repeat(size) }),
  commas: size => ({ ...PREFLIGHT, 'access-control-request-headers': ','.repeat(size) }),
  blanks: size => ({
    ...PREFLIGHT,
    'access-control-request-headers': `x-a${' '.repeat(size)},x-b`
  }),
  'a method': size => ({ ...PREFLIGHT, 'access-control-request-method': 'M'.repeat(size) }),
  methods: size => ({ ...PREFLIGHT, 'access-control-request-method': 'PUT, '.repeat(size / 5) }),
  'labels of an origin': size => ({
    ...PREFLIGHT,
    origin: `https://${'a.'.repeat(size / 2)}b.example`
  }),
  'digits of an origin': size => ({
    ...PREFLIGHT,
    origin: `https://${'1'.repeat(size)}.c.example`
  }),
  'an origin for the regex': size => ({
    ...PREFLIGHT,
    origin: `https://${'a-'.repeat(size / 2)}.d.example`
  }),
  'many origins': size => ({ ...PREFLIGHT, origin: `${A}, `.repeat(size / 19) })
}

const fetchHeaders = fields => ({ get: name => fields[name] ?? null })

/** The ways of asking a policy. */
const WAYS = {
  evaluate: policy => fields => policy.evaluate('OPTIONS', fields),
  'evaluate with pairs': policy => fields => policy.evaluate('OPTIONS', Object.entries(fields)),
  'an adapter of Node': policy => fields => answerFor(policy, 'OPTIONS', fields),
  'an adapter of Fetch': policy => {
    const read = readOptions('test', { policy })
    return fields => decideFetch(read, 'OPTIONS', fetchHeaders(fields), undefined)
  }
}

/** Nanoseconds of the processor a character, the best of a few rounds. */
function cost(ask, make, size) {
  let best = Infinity
  const times = Math.max(1, Math.round((256 * KB) / size))
  for (let round = 0; round < 3; round += 1) {
    const started = process.cpuUsage()
    for (let i = 0; i < times; i += 1) ask(make)
    const { user, system } = process.cpuUsage(started)
    best = Math.min(best, ((user + system) * 1000) / times / size)
  }
  return best
}

for (const [which, options] of Object.entries(POLICIES)) {
  for (const [way, of] of Object.entries(WAYS)) {
    test(`up to 1 MB in linear time: ${which}, ${way}`, { timeout: 600_000 }, () => {
      const ask = of(new Policy(options))
      for (const [what, make] of Object.entries(TEXTS)) {
        const [small, large] = [32 * KB, 1024 * KB].map(size => cost(ask, make(size), size))
        // Quadratic time would be 32 times as much for each character. A character below this costs
        // nothing at all.
        assert.ok(
          large < 8 * Math.max(small, 0.5),
          `${what}: ${small.toFixed(2)} ns a character at 32 kB, ${large.toFixed(2)} at 1 MB`
        )
        assert.ok(large < 1000, `${what}: ${large.toFixed(0)} ns a character`)
      }
    })
  }
}
