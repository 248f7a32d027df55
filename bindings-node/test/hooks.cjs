'use strict'
// A panic in the engine becomes an exception, and the policy goes on working. Needs cargo: it
// builds the native module with the feature `panic-test`, without optimisation, and loads that one.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { copyFileSync, mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const cwd = join(__dirname, '..')
const built = execFileSync(
  'cargo',
  ['build', '-p', 'crossgate-node', '--features', 'panic-test', '--message-format', 'json'],
  { cwd, encoding: 'utf8', maxBuffer: 1 << 28 }
)
  .split('\n')
  .filter(line => line.includes('"compiler-artifact"') && line.includes('crossgate_node'))
  .map(line => JSON.parse(line).filenames[0])
  .find(name => /\.(so|dylib|dll)$/.test(name))

const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
try {
  copyFileSync(built, join(directory, 'crossgate.node'))
  const native = require(join(directory, 'crossgate.node'))
  const ask = native.fromOptions(['allowOrigins', '*'], false).function()
  assert.throws(() => native.panics(), /on purpose/)
  assert.throws(() => ask(99, 0, 'GET'), /panicked/)
  assert.match(ask(0, 0, 'GET', 'https://a.example'), /^p/)
  console.log('panics become exceptions')
} finally {
  rmSync(directory, { recursive: true, force: true })
}
