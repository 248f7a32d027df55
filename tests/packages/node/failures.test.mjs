// A module that cannot be loaded: the error says why, and what helps.
import test from 'node:test'
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, folder, platform, project, source, version } from './packed.mjs'

const files = { 'load.cjs': "require('crossgate')" }
const other = platform.endsWith('gnu') ? platform.replace('gnu', 'musl') : 'linux-x64-gnu'

async function failure(directory, args = ['load.cjs']) {
  const { status, output } = await attempt(directory, process.execPath, args)
  assert.notEqual(status, 0, output)
  return output
}

test('the package of the platform was left out', async () => {
  const said = await failure(await project(files, '--omit=optional'))
  assert.match(said, new RegExp(`cannot load its native module for ${platform}: the package`))
  assert.match(said, /--omit=optional or --no-optional/)
  assert.ok(said.includes(`npm install crossgate-${platform}@${version}`), said)
  assert.ok(said.includes(`npx --package=crossgate-source@${version} crossgate-build`), said)
  assert.match(said, /\[cause\]: Error: Cannot find module 'crossgate-/)
})

test('node_modules came from another system', async () => {
  const directory = await project(files)
  const packages = join(directory, 'node_modules')
  renameSync(join(packages, `crossgate-${platform}`), join(packages, `crossgate-${other}`))
  const said = await failure(directory)
  assert.ok(said.includes(`node_modules has crossgate-${other}, which is for another`), said)
  assert.match(said, /install again on the system that runs the program/)
})

test('the package is there, but its binary is of another system', async () => {
  const directory = await project(files)
  const binary = join(directory, `node_modules/crossgate-${platform}/crossgate.${platform}.node`)
  rmSync(binary)
  writeFileSync(binary, 'made for another machine')
  const said = await failure(directory)
  assert.match(said, /is there, but does not load on this system\. If the system is older/)
  assert.match(said, /\[cause\]: Error: .*(invalid ELF|file too short|not valid|slice)/)
})

test('what npm pack made is installed on another system', async () => {
  const directory = await project(files, '--omit=optional')
  const file = join(directory, 'node_modules/crossgate/crossgate.node')
  writeFileSync(file, 'made for another machine')
  const said = await failure(directory)
  assert.ok(said.includes(`${file} is there, but does not load on this system`), said)
})

test('there is no package for the platform', async () => {
  const directory = await project({
    'load.cjs': `
      Object.defineProperty(process, 'platform', { value: 'sunos' })
      require('crossgate')`
  })
  const said = await failure(directory)
  assert.match(said, /native module for sunos-\w+: there is no package for it; build it from/)
})

test('the code was bundled without the package', async () => {
  const directory = folder()
  mkdirSync(join(directory, 'lib'))
  cpSync(join(source, 'lib/engine'), join(directory, 'lib/engine'), { recursive: true })
  const said = await failure(directory, ['-e', "require('./lib/engine/native.cjs')"])
  assert.match(said, /was bundled without it.*--external:crossgate.*serverExternalPackages/)
  assert.match(said, /docs\/node\.md#bundlers/)
})

test('a refusal by Deno is told, not a report that it refuses, too', async () => {
  const directory = await project({
    'load.cjs': `
      const refused = what => Object.assign(new Error('Requires ' + what), { name: 'NotCapable' })
      process.report.getReport = () => { throw refused('sys access to "cpus"') }
      process.dlopen = () => { throw refused('ffi access to "crossgate.node"') }
      require('module')._extensions['.node'] = process.dlopen
      require('crossgate')`
  })
  const said = await failure(directory)
  assert.match(said, /only with permission: deno run --allow-ffi/)
  assert.match(said, /Requires ffi access/)
})
