'use strict'
// Every drop-in takes the exceptions to safety rules beside the options of its peer.

const test = require('node:test')
const assert = require('node:assert/strict')
const { setupOf } = require('../lib/options/cors.cjs')
const fastify = require('../lib/options/fastify.cjs')
const hono = require('../lib/options/hono.cjs')
const koa = require('../lib/options/koa.cjs')

const LAN = 'http://192.168.1.20:5173'
const READERS = {
  crossgate: options => setupOf(options).decider.policy,
  'crossgate/fastify': options => fastify.readOptions(options, () => {}, false).decider.policy,
  'crossgate/hono': options => hono.readOptions('crossgate/hono', options).decider.policy,
  'crossgate/fetch': options => hono.readOptions('crossgate/fetch', options).decider.policy,
  'crossgate/koa': options => koa.readOptions(options).plain.policy
}

function problems(make) {
  try {
    make()
  } catch (error) {
    return error.problems.filter(({ severity }) => severity === 'error')
  }
  return []
}

for (const [name, read] of Object.entries(READERS)) {
  test(`${name}: plain http with credentials needs its exception`, () => {
    const options = { origin: [LAN], credentials: true }
    const [refused, ...more] = problems(() => read(options))
    assert.deepEqual(
      [refused.code, refused.path, more.length],
      ['insecure_origin_with_credentials', 'origin[0]', 0]
    )
    const policy = read({ ...options, dangerouslyAllow: ['insecure_origins_with_credentials'] })
    assert.equal(policy.evaluate('GET', { origin: LAN }).allowed, true)
    assert.equal(policy.warnings.length, 1)
  })

  test(`${name}: an exception is one of those that there are`, () => {
    const read1 = dangerouslyAllow => problems(() => read({ origin: LAN, dangerouslyAllow }))
    for (const [value, code, path] of [
      [['everything'], 'gate_unknown', 'dangerouslyAllow[0]'],
      [true, 'option_type', 'dangerouslyAllow']
    ]) {
      const [problem] = read1(value)
      assert.deepEqual([problem.code, problem.path], [code, path])
    }
    // It opens nobody but whom the name says.
    const everybody = { origin: '*', credentials: true }
    const all = ['insecure_origins_with_credentials', 'public_suffix_subdomains_with_credentials']
    const [any] = problems(() => read({ ...everybody, dangerouslyAllow: all }))
    assert.equal(any.code, 'any_with_credentials')
  })
}
