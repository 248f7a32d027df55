// The packages of the Linux platforms: what the binary needs, and that it works on its system. They
// are built by platforms.sh, which `make test-long` runs.
import test from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { folder, platform, programs, released, run, source, version, works } from './packed.mjs'

const workspace = fileURLToPath(new URL('../../../', import.meta.url))
const skip = !process.env.CROSSGATE_LONG && 'CROSSGATE_LONG=1 runs it'

const machines = { x64: 'X86-64', arm64: 'AArch64' }
const libraries = /^(libc\.so(\.6)?|libpthread\.so\.0|libdl\.so\.2|ld-linux-[\w-]+\.so\.\d)$/

const readelf = (...args) => execFileSync('readelf', args, { encoding: 'utf8' })

/** A project as a package manager lays it out on that system. */
async function laidOut(name) {
  const tarballs = folder()
  await run(source, process.execPath, [
    'scripts/packages.mjs',
    tarballs,
    `${name}=${join(source, 'npm', `${name}.node`)}`
  ])
  const directory = folder(programs)
  for (const [tarball, to] of [
    [released.main, 'crossgate'],
    [join(tarballs, `crossgate-${name}-${version}.tgz`), `crossgate-${name}`]
  ]) {
    const installed = join(directory, 'node_modules', to)
    mkdirSync(installed, { recursive: true })
    await run(installed, 'tar', ['-xzf', tarball, '--strip-components=1'])
  }
  return directory
}

for (const name of ['linux-x64-gnu', 'linux-x64-musl', 'linux-arm64-gnu', 'linux-arm64-musl']) {
  const file = join(source, 'npm', `${name}.node`)
  const [, cpu, libc] = name.split('-')

  test(`${name} needs nothing but an old C library and exports its entry alone`, { skip }, () => {
    assert.ok(existsSync(file), `${file} is missing: platforms.sh builds it`)
    const needed = [...readelf('-d', file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(found => found[1])
    assert.ok(needed.includes(libc === 'gnu' ? 'libc.so.6' : 'libc.so'), needed.join())
    for (const library of needed) assert.match(library, libraries)
    assert.ok(readelf('-h', file).includes(machines[cpu]))
    const symbols = readelf('-W', '--dyn-syms', file)
    for (const [, major, minor] of symbols.matchAll(/GLIBC_(\d+)\.(\d+)/g))
      assert.ok(Number(major) === 2 && Number(minor) <= 17, `GLIBC_${major}.${minor}`)
    const exported = [...symbols.matchAll(/ GLOBAL\s+\w+\s+\d+ (\S+)$/gm)].map(found => found[1])
    assert.deepEqual(exported, ['napi_register_module_v1'])
  })

  test(`${name} serves, and passes the vectors`, { skip }, async () => {
    const node =
      name === platform ? process.execPath : join(workspace, 'build/runtimes', name, 'node')
    assert.ok(existsSync(node), `${node} is missing: runtimes.sh fetches it`)
    const directory = await laidOut(name)
    await works(directory, [node])
    const runner = readFileSync(join(workspace, 'tests/conformance/node/run.mjs'), 'utf8')
    const own = "'../../../bindings-node/index.mjs'"
    assert.ok(runner.includes(own))
    writeFileSync(join(directory, 'run.mjs'), runner.replace(own, "'crossgate'"))
    const said = await run(directory, node, ['run.mjs', join(workspace, 'tests/vectors')])
    assert.match(said, /^node: \S+ \d+ passed, 0 failed$/m)
  })
}
