// Every difference between the frameworks' own CORS packages and ours is on its list, and every
// list holds what is seen.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { compare, show } from './compare.mjs'
import { rules } from './explain.mjs'
import * as fastify from './fastify.peer.mjs'
import * as hono from './hono.peer.mjs'
import * as koa from './koa.peer.mjs'
import { run } from './own-tests.mjs'

for (const [name, sides] of Object.entries({ fastify, koa, hono })) {
  test(`${name}: every difference from its own package is on the list`, async t => {
    // Where ours reports that an application's function failed.
    t.mock.method(console, 'error', () => {})
    const { pairs, failures, unused } = await compare({
      list: `${name}-cors`,
      rules: rules[name],
      ...sides
    })
    assert.deepEqual(failures.slice(0, 20).map(show), [])
    assert.deepEqual(unused, [], 'entries that explain nothing')
    assert.ok(pairs >= 300, `${pairs} pairs`)
  })
}

test('the lists name the versions that run here', () => {
  const installed = {
    'fastify-cors': '@fastify/cors',
    'koa-cors': '@koa/cors',
    'hono-cors': 'hono'
  }
  for (const [list, name] of Object.entries(installed)) {
    const { version } = JSON.parse(
      readFileSync(new URL(`../../differences/${list}.json`, import.meta.url), 'utf8')
    )
    const { dependencies } = JSON.parse(
      readFileSync(new URL('package.json', import.meta.url), 'utf8')
    )
    assert.equal(version, dependencies[name])
    assert.equal(
      version,
      JSON.parse(
        readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')
      ).version
    )
  }
})

// What fails, by name in own-tests-failing.json, asserts the differences of the list: origins
// without a scheme, errors that reach the client, a Vary that lacks what OPTIONS varies by,
// `Content-Length: 0` with 204, names repeated as they came, the wording of an error.
test('the tests of @fastify/cors itself, as far as the list of differences lets them', () => {
  const { passed, failed } = run()
  assert.deepEqual(
    failed.sort(),
    JSON.parse(readFileSync(new URL('own-tests-failing.json', import.meta.url), 'utf8'))
  )
  assert.equal(passed, 22)
})
