// `cors` and crossgate side by side, in Express: every pair of options and request is answered
// alike, but for what ../../differences/cors.json says.
import test from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isDeepStrictEqual } from 'node:util'
import peerCors from 'cors'
import { cors, PolicyError } from 'crossgate'
import { OPTIONS, REFUSED, REQUESTS } from './cases.mjs'
import { EXPLAINS, REFUSALS } from './differences.mjs'
import { serve } from './server.mjs'

const require = createRequire(import.meta.url)
const { version, differences } = JSON.parse(
  readFileSync(new URL('../../differences/cors.json', import.meta.url), 'utf8')
)
const VERSIONS = ['express', 'express4', 'express4-oldest']

/** What is compared of a response. */
function seen({ status, headers, body }) {
  const { date, connection, 'keep-alive': _, 'transfer-encoding': transfer, ...rest } = headers
  void [date, connection, transfer]
  if (status !== 500) return { status, headers: rest, body }
  // Express's error page shows the stack, which has the middleware in it.
  delete rest['content-length']
  return { status, headers: rest, body: body.replace(/<br>.*(?=<\/pre>)/s, '') }
}

const explained = new Set()
let pairs = 0

for (const name of VERSIONS) {
  const express = require(name)
  test(`${name} ${require(`${name}/package.json`).version}`, { timeout: 600_000 }, async () => {
    const failures = []
    for (const [options, make] of Object.entries(OPTIONS)) {
      const sides = [await serve(express, peerCors(make())), await serve(express, cors(make()))]
      try {
        for (const [request, asked] of Object.entries(REQUESTS)) {
          pairs += 1
          const [peer, ours] = (await Promise.all(sides.map(side => side.ask(asked)))).map(seen)
          const original = structuredClone({ peer, ours })
          const of = { name: options, options: make(), request: asked }
          for (const [id, explain] of Object.entries(EXPLAINS)) {
            if (!isDeepStrictEqual(peer, ours) && explain(peer, ours, of)) explained.add(id)
          }
          if (!isDeepStrictEqual(peer, ours))
            failures.push(
              `${options} / ${request}: ${JSON.stringify({ peer, ours })}\n` +
                `   as seen ${JSON.stringify(original)}`
            )
        }
      } finally {
        sides.forEach(side => side.close())
      }
    }
    assert.equal(
      failures.length,
      0,
      `${failures.length} not explained:\n${failures.slice(0, 24).join('\n')}`
    )
  })
}

test('options that are refused', () => {
  for (const [name, make] of Object.entries(REFUSED)) {
    peerCors(make())
    assert.throws(() => cors(make()), PolicyError, name)
    assert.ok(REFUSALS[name], name)
    explained.add(REFUSALS[name])
  }
})

test('enough was compared, and the list holds what was seen', () => {
  assert.equal(version, require('cors/package.json').version)
  assert.ok(pairs >= 300 * VERSIONS.length, `${pairs}`)
  assert.deepEqual(differences.map(({ id }) => id).sort(), [...explained].sort())
})
