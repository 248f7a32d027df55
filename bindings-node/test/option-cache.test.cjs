'use strict'
// What is compiled from options that an application hands out per request.

const test = require('node:test')
const assert = require('node:assert/strict')
const { OptionCache } = require('../lib/options/option-cache.cjs')

function counting() {
  const compiled = new Map()
  const cache = new OptionCache(options => {
    compiled.set(options.origin, (compiled.get(options.origin) ?? 0) + 1)
    return { ...options }
  })
  return { compiled, cache }
}

test('equal options are compiled once', () => {
  const { compiled, cache } = counting()
  assert.equal(cache.get({ origin: 'a' }), cache.get({ origin: 'a' }))
  assert.equal(compiled.get('a'), 1)
})

test('strangers neither keep others out of the cache nor push out what is in use', () => {
  const { compiled, cache } = counting()
  for (let i = 0; i < 1000; i += 1) cache.get({ origin: `first-${i}` })
  for (let i = 0; i < 20_000; i += 1) {
    cache.get({ origin: `stranger-${i}` })
    if (i % 100 === 0) cache.get({ origin: 'good' })
  }
  assert.equal(compiled.get('good'), 1)
  cache.get({ origin: 'stranger-0' })
  assert.equal(compiled.get('stranger-0'), 2, 'others are forgotten')
})
