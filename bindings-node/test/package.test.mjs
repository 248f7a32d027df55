// What users install: both module systems, and the packed tarball alone in an empty project.
import test from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as module from 'crossgate'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
// npm is a script on Windows.
const npm = (args, cwd) => execFileSync('npm', args, { cwd, encoding: 'utf8', shell: process.platform === 'win32', stdio: ['ignore', 'pipe', 'pipe'] })

test('both module systems export the same names and the same classes', () => {
  const common = require('crossgate')
  assert.deepEqual(Object.keys(module).filter(name => name !== 'default').sort(), Object.keys(common).sort())
  assert.equal(module.default, common)
  for (const name of Object.keys(common)) assert.equal(module[name], common[name])
  assert.ok(new module.Policy({ allowOrigins: '*' }).equals(new common.Policy({ allowOrigins: '*' })))
})

test('the names in the types are those of the engine', () => {
  const { alphabet } = require('../lib/native.cjs')
  const types = readFileSync(join(root, 'types.d.ts'), 'utf8')
  const union = name => [...types.match(new RegExp(`export type ${name} =([^/]*?)\n\n`))[1].matchAll(/'(\w+)'/g)].map(match => match[1])
  const { reasons, kinds, actions } = alphabet()
  assert.deepEqual(union('Reason'), reasons)
  assert.deepEqual(union('Kind').sort(), [...kinds].sort())
  assert.deepEqual(union('Action').sort(), [...actions].sort())
  const document = Object.keys(new module.Policy({ allowOrigins: '*' }).document())
  const fields = name => [...types.match(new RegExp(`interface ${name} {\n([^]*?)\n}`))[1].matchAll(/^  (\w+)\??:/gm)].map(match => match[1])
  assert.deepEqual(fields('PolicyDocument'), document)
  assert.deepEqual(fields('SnakeCaseOptions'), document)
  assert.deepEqual(fields('CamelCaseOptions').map(name => name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`)), document)
})

test('the versions of the package and the crate are one', () => {
  const cargo = readFileSync(join(root, '..', 'Cargo.toml'), 'utf8')
  assert.equal(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version, cargo.match(/\[workspace\.package\]\nversion = "([^"]+)"/)[1])
})

test('the packed tarball works alone', t => {
  const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const [{ filename, files }] = JSON.parse(npm(['pack', '--json', '--pack-destination', directory], root))
  const names = files.map(file => file.path)
  for (const name of ['crossgate.node', 'types.d.ts', 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md']) assert.ok(names.includes(name), name)
  assert.ok(!names.some(name => /^(src|test|node_modules|scripts)\//.test(name)), names.join())
  writeFileSync(join(directory, 'package.json'), '{"private": true}')
  npm(['install', '--offline', '--no-audit', '--no-fund', `./${filename}`], directory)
  const use = "const d = new Policy({ allowOrigins: ['https://a.example'] }).evaluate('GET', ['Origin', 'https://a.example']); console.log(d.reason)"
  writeFileSync(join(directory, 'a.cjs'), `const cors = require('crossgate'); cors(); const { Policy } = cors; ${use}`)
  writeFileSync(join(directory, 'a.mjs'), `import cors, { Policy } from 'crossgate'; cors({ origin: false }); ${use}`)
  for (const file of ['a.cjs', 'a.mjs']) assert.equal(execFileSync(process.execPath, [file], { cwd: directory, encoding: 'utf8' }), 'allowed\n')
})

test('without a native module the error says what was looked for', t => {
  const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  writeFileSync(join(directory, 'native.cjs'), readFileSync(join(root, 'lib', 'native.cjs')))
  assert.throws(() => require(join(directory, 'native.cjs')), error => {
    return error.message.includes(`crossgate-${process.platform}-${process.arch}`) && error.message.includes('crossgate.node') && error.cause.code === 'MODULE_NOT_FOUND'
  })
})
