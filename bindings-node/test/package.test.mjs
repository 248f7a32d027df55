// Both module systems, the names in the types, the version. tests/packages has the tarballs.
import test from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as module from 'crossgate'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const manifestOf = directory => JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))

test('both module systems export the same names and the same classes', () => {
  const common = require('crossgate')
  assert.deepEqual(
    Object.keys(module)
      .filter(name => name !== 'default')
      .sort(),
    Object.keys(common).sort()
  )
  assert.equal(module.default, common)
  for (const name of Object.keys(common)) assert.equal(module[name], common[name])
  assert.ok(
    new module.Policy({ allowOrigins: '*' }).equals(new common.Policy({ allowOrigins: '*' }))
  )
})

test('the names in the types are those of the engine', () => {
  const { tables } = require('../lib/engine/native.cjs')
  const types = readFileSync(join(root, 'lib', 'engine', 'types.d.ts'), 'utf8')
  const union = name =>
    [
      ...types.match(new RegExp(`export type ${name} =([^/]*?)\n(?:\n|//)`))[1].matchAll(/'(\w+)'/g)
    ].map(match => match[1])
  const { reasons, kinds, actions } = tables()
  assert.deepEqual(union('Reason'), reasons)
  assert.deepEqual(union('RequestKind').sort(), [...kinds].sort())
  assert.deepEqual(union('Action').sort(), [...actions].sort())
  const document = Object.keys(new module.Policy({ allowOrigins: '*' }).document())
  const fields = name =>
    [
      ...types.match(new RegExp(`interface ${name} {\n([^]*?)\n}`))[1].matchAll(/^  (\w+)\??:/gm)
    ].map(match => match[1])
  assert.deepEqual(fields('PolicyDocument'), document)
  assert.deepEqual(fields('SnakeCaseOptions'), document)
  assert.deepEqual(
    fields('CamelCaseOptions').map(name => name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`)),
    document
  )
})

test('the versions of the package and the crate are one', () => {
  const cargo = readFileSync(join(root, '..', 'Cargo.toml'), 'utf8')
  assert.equal(
    manifestOf(root).version,
    cargo.match(/\[workspace\.package\]\nversion = "([^"]+)"/)[1]
  )
})

test('the binary beside the package is loaded without a report on the process', () => {
  const script =
    "process.report.getReport = () => { throw new Error('a report') }; require(process.argv[1])"
  execFileSync(process.execPath, ['-e', script, root])
  const restored = `const { platform } = require(process.argv[1])
    const seen = []
    const { getReport } = process.report
    process.report.getReport = () => {
      seen.push(process.report.excludeNetwork)
      return getReport.call(process.report)
    }
    platform()
    console.log(String(seen), String(process.report.excludeNetwork))`
  if (process.platform === 'linux' && 'excludeNetwork' in process.report) {
    assert.equal(
      execFileSync(
        process.execPath,
        ['-e', restored, join(root, 'lib', 'engine', 'platform.cjs')],
        {
          encoding: 'utf8'
        }
      ),
      'true false\n'
    )
  }
})
