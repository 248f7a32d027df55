'use strict'
// The first request of a policy costs no more with many origins than with few. test/hooks.cjs
// counts the bytes that it allocates; this measures what `make test` can: CPU time.

const test = require('node:test')
const assert = require('node:assert/strict')
const { Policy, SharedPolicy } = require('..')
const { answerFor } = require('../lib/answers/begin.cjs')

const ROUNDS = 5

/** Microseconds of the processor for a first request, the least of a few rounds. */
function cost(count, first) {
  const text = JSON.stringify({
    allow_origins: Array.from({ length: count }, (_, i) => `https://h${i}.example`)
  })
  let best = Infinity
  for (let round = 0; round < ROUNDS; round += 1) {
    const policy = Policy.fromJson(text)
    const started = process.cpuUsage()
    first(policy)
    const { user, system } = process.cpuUsage(started)
    best = Math.min(best, user + system)
  }
  return best
}

const ask = policy =>
  assert.equal(answerFor(policy, 'GET', { origin: 'https://h2.example' }).allowed, true)
const shared = new SharedPolicy({ allowOrigins: ['https://a.example'] })
const WAYS = {
  'the first request': ask,
  'the first request after a policy is replaced': policy => {
    shared.replace(policy)
    ask(shared)
  }
}

for (const [what, first] of Object.entries(WAYS)) {
  test(`${what} costs no more with 200,000 origins than with three`, { timeout: 600_000 }, () => {
    cost(3, first)
    const [few, many] = [3, 200_000].map(count => cost(count, first))
    // Writing out the document of such a policy costs about 8000 microseconds.
    assert.ok(many < 8 * Math.max(few, 250), `${few} us with 3 origins, ${many} us with 200,000`)
  })
}
