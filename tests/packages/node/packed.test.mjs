// What is in the tarballs, and that they work alone.
import test from 'node:test'
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  address,
  alone,
  attempt,
  content,
  folder,
  platform,
  programs,
  project,
  released,
  run,
  source,
  version,
  works
} from './packed.mjs'

const manifestIn = directory => JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))

/** A tarball, unpacked. */
async function unpacked(tarball) {
  const directory = folder()
  await run(directory, 'tar', ['-xzf', tarball])
  return join(directory, 'package')
}

test('what npm pack makes works alone, without the network', async () => {
  const names = content(alone)
  for (const name of [
    'crossgate.node',
    'adapters/fastify.mjs',
    'lib/engine/types.d.ts',
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'README.md'
  ])
    assert.ok(names.includes(name), name)
  const project = folder({ 'package.json': { private: true }, ...programs })
  await run(project, 'npm', ['install', '--offline', '--no-audit', '--no-fund', alone])
  await works(project)
})

test('what is released has no binary, sources or scripts, and names every platform', async () => {
  for (const tarball of [alone, released.main])
    assert.deepEqual(
      content(tarball).filter(name =>
        /^(src|scripts|source|test|npm|crossgate-source)\//.test(name)
      ),
      []
    )
  assert.ok(!content(released.main).includes('crossgate.node'))
  const manifest = manifestIn(await unpacked(released.main))
  assert.equal(manifest.scripts, undefined)
  const native = readFileSync(join(source, 'lib/engine/native.cjs'), 'utf8')
  const required = [...native.matchAll(/case '(.*)':\n\s+return require\('(.*?)'\)/g)]
  for (const [, name, loaded] of required) assert.equal(loaded, `crossgate-${name}`)
  assert.deepEqual(
    manifest.optionalDependencies,
    Object.fromEntries(required.map(([, , name]) => [name, version]))
  )
  assert.ok(required.some(([, name]) => name === platform))
  // What `npm pack` packs runs nothing when it is installed, and asks for nothing unpublished.
  const checkedIn = manifestIn(source)
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
    assert.equal(checkedIn.scripts[script], undefined)
  assert.equal(checkedIn.optionalDependencies, undefined)
})

test('the package of a platform is its binary, for that platform alone', async () => {
  const files = content(released.platform)
  assert.deepEqual(files.sort(), [
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'README.md',
    `crossgate.${platform}.node`,
    'package.json'
  ])
  const { os, cpu, libc, scripts } = manifestIn(await unpacked(released.platform))
  assert.deepEqual([os, cpu, scripts], [[process.platform], [process.arch], undefined])
  if (process.platform === 'linux')
    assert.deepEqual(libc, [platform.endsWith('musl') ? 'musl' : 'glibc'])
})

test('what is released works, also where no scripts run', async () => {
  await works(await project(programs))
  await works(await project(programs, '--ignore-scripts'))
})

test('cargo reads the workspace of crossgate-source', async () => {
  const sources = join(await unpacked(released.source), 'source')
  const metadata = await run(sources, 'cargo', [
    ...['metadata', '--quiet', '--format-version', '1', '--no-deps', '--offline']
  ])
  const names = JSON.parse(metadata.slice(metadata.indexOf('{'))).packages.map(({ name }) => name)
  assert.deepEqual(names.sort(), ['crossgate', 'crossgate-node'])
})

/** What npx does: the package in a cache of its own, the program in the project. */
async function crossgateBuild(directory, env) {
  const built = await unpacked(released.source)
  return attempt(directory, process.execPath, [join(built, 'build.mjs')], env)
}

test('crossgate-build says what is missing', async () => {
  const nothing = await crossgateBuild(folder({ 'package.json': {} }))
  assert.equal(nothing.status, 1)
  assert.match(nothing.output, /^crossgate-build: crossgate is not installed in .*\n$/)
  const other = folder({ 'node_modules/crossgate/package.json': { version: '0.0.1' } })
  const { status, output } = await crossgateBuild(other)
  assert.equal(status, 1)
  assert.match(output, /--package=crossgate-source@0\.0\.1 crossgate-build\n$/)
  const cargoless = await crossgateBuild(await project({}, '--omit=optional'), {
    PATH: '/nonexistent'
  })
  assert.equal(cargoless.status, 1)
  assert.equal(cargoless.output, 'crossgate: cargo is missing: install Rust, https://rustup.rs\n')
})

test(
  'crossgate-build builds the module for the package that is installed',
  { skip: !process.env.CROSSGATE_LONG && 'CROSSGATE_LONG=1 runs it' },
  async () => {
    const directory = await project(programs, '--omit=optional')
    const npx = ['--yes', `--registry=${address}`, '--package=crossgate-source', 'crossgate-build']
    await run(directory, 'npx', npx)
    assert.ok(existsSync(join(directory, 'node_modules/crossgate/crossgate.node')))
    await works(directory)
  }
)

test('packing where no module was built says what is missing, in one line', async () => {
  const copy = folder()
  for (const name of [...manifestIn(source).files, 'package.json', 'scripts'])
    if (name !== 'crossgate.node') cpSync(join(source, name), join(copy, name), { recursive: true })
  const missing = await attempt(copy, 'npm', ['pack', '--silent'])
  assert.notEqual(missing.status, 0)
  assert.equal(
    missing.output.trim(),
    'npm pack: crossgate.node is missing, and this is no checkout of crossgate to build it from'
  )
  writeFileSync(join(copy, 'crossgate.node'), 'made for another machine')
  const foreign = await attempt(copy, 'npm', ['pack', '--silent'])
  assert.match(foreign.output.trim(), /^npm pack: crossgate\.node does not load here .*$/)
  rmSync(copy, { recursive: true })
})
