'use strict'
// What only a module that is built for tests can show: a panic in the engine becomes an exception,
// and the first request of a policy allocates as much with a million origins as with three. Needs
// cargo: it builds the native module with the feature `test-hooks`, without optimisation, into a
// copy of the package, and loads that one.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { copyFileSync, cpSync, mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const cwd = join(__dirname, '..')
const built = execFileSync(
  'cargo',
  ['build', '-p', 'crossgate-node', '--features', 'test-hooks', '--message-format', 'json'],
  { cwd, encoding: 'utf8', maxBuffer: 1 << 28 }
)
  .split('\n')
  .filter(line => line.includes('"compiler-artifact"') && line.includes('crossgate_node'))
  .map(line => JSON.parse(line).filenames[0])
  .find(name => /\.(so|dylib|dll)$/.test(name))

const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
try {
  for (const part of ['index.cjs', 'adapters', 'lib'])
    cpSync(join(cwd, part), join(directory, part), { recursive: true })
  copyFileSync(built, join(directory, 'crossgate.node'))
  panics()
  firstRequest()
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function panics() {
  const native = require(join(directory, 'crossgate.node'))
  const ask = native.fromOptions(['allowOrigins', '*'], false).function()
  assert.throws(() => native.panics(), /on purpose/)
  assert.throws(() => ask(99, 0, 'GET'), /panicked/)
  assert.match(ask(0, 0, 'GET', 'https://a.example'), /\na[*]/)
  console.log('panics become exceptions')
}

function firstRequest() {
  const { Policy } = require(join(directory, 'index.cjs'))
  const { allocated } = require(join(directory, 'crossgate.node'))
  const { answerFor } = require(join(directory, 'lib', 'answers', 'begin.cjs'))
  const bytes = count => {
    const origins = Array.from({ length: count }, (_, i) => `https://h${i}.example`)
    const policy = Policy.fromJson(JSON.stringify({ allow_origins: origins }))
    const before = allocated()
    assert.equal(answerFor(policy, 'GET', { origin: 'https://h2.example' }).allowed, true)
    return allocated() - before
  }
  bytes(3)
  const [few, many] = [bytes(3), bytes(1_000_000)]
  assert.ok(many <= few + 256, `${few} bytes with 3 origins, ${many} with a million`)
  console.log(`the first request allocates ${few} bytes with 3 origins, ${many} with a million`)
}
