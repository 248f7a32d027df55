// What users install: both module systems, and the packed tarball alone in an empty project.
import test from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as module from 'crossgate'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const manifestOf = directory => JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
// npm is a script on Windows.
const npm = (args, cwd) =>
  execFileSync('npm', args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe']
  })

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

test('the packed tarball works alone', t => {
  const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const [{ filename, files }] = JSON.parse(
    npm(['pack', '--json', '--pack-destination', directory], root)
  )
  const names = files.map(file => file.path)
  for (const name of [
    'crossgate.node',
    'adapters/fastify.mjs',
    'lib/engine/types.d.ts',
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'README.md',
    'source/core/src/lib.rs',
    'source/bindings-node/src/lib.rs'
  ])
    assert.ok(names.includes(name), name)
  assert.ok(!names.some(name => /^(src|test|node_modules|npm)\/|target\//.test(name)), names.join())
  install(directory, [filename])
  assertWorks(directory)
})

/** Installs tarballs into an empty project. */
function install(directory, filenames) {
  writeFileSync(join(directory, 'package.json'), '{"private": true}')
  npm(
    ['install', '--offline', '--no-audit', '--no-fund', ...filenames.map(name => `./${name}`)],
    directory
  )
}

/** In both module systems. */
function assertWorks(directory) {
  const use =
    "const policy = new Policy({ allowOrigins: ['https://a.example'] }); " +
    "console.log(policy.evaluate('GET', ['Origin', 'https://a.example']).reason)"
  writeFileSync(
    join(directory, 'a.cjs'),
    `const cors = require('crossgate'); cors(); const { Policy } = cors; ${use}`
  )
  writeFileSync(
    join(directory, 'a.mjs'),
    `import cors, { Policy } from 'crossgate'; cors({ origin: false }); ${use}`
  )
  for (const file of ['a.cjs', 'a.mjs'])
    assert.equal(
      execFileSync(process.execPath, [file], { cwd: directory, encoding: 'utf8' }),
      'allowed\n'
    )
}

/**
 * A copy of the package as somebody else would have packed it: with a binary of another platform,
 * or with none.
 */
function packElsewhere(t, binary) {
  const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', directory], root))
  execFileSync('tar', ['-xf', filename], { cwd: directory })
  const copy = join(directory, 'package')
  if (binary === null) rmSync(join(copy, 'crossgate.node'))
  else writeFileSync(join(copy, 'crossgate.node'), binary)
  // What is in the folder is what is packed: the sources are there already.
  const manifest = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8'))
  for (const script of ['prepack', 'postpack']) delete manifest.scripts[script]
  writeFileSync(join(copy, 'package.json'), JSON.stringify(manifest))
  npm(['pack', '--pack-destination', directory], copy)
  return { copy, directory, filename }
}

test(
  'on another platform the package of that platform is loaded, which @napi-rs/cli lays out',
  { skip: !existsSync(join(root, 'node_modules', '@napi-rs')) && 'npm ci was not run' },
  t => {
    const { copy, directory, filename } = packElsewhere(t, 'made for another machine')
    execFileSync(
      process.execPath,
      [join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js'), 'create-npm-dirs'],
      { cwd: copy, stdio: 'pipe' }
    )
    const packages = readdirSync(join(copy, 'npm')).map(name => join(copy, 'npm', name))
    assert.ok(packages.length >= 9)
    const manifests = packages.map(path => ({
      path,
      ...JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    }))
    const { platform } = require('../lib/engine/platform.cjs')
    const own = manifests.find(({ name }) => name === `crossgate-${platform()}`)
    assert.ok(own, `${platform()} among ${manifests.map(({ name }) => name)}`)
    assert.deepEqual(
      [own.version, own.os, own.cpu],
      [manifestOf(root).version, [process.platform], [process.arch]]
    )
    copyFileSync(join(root, 'crossgate.node'), join(own.path, own.main))
    const [{ filename: ofPlatform }] = JSON.parse(
      npm(['pack', '--json', '--pack-destination', directory], own.path)
    )
    install(directory, [ofPlatform, filename])
    assertWorks(directory)
  }
)

/** An environment in which there is no cargo. */
function withoutCargo(directory) {
  const bin = join(directory, 'bin')
  mkdirSync(bin)
  for (const name of ['npm', 'sh'])
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
      join(bin, name)
    )
  symlinkSync(process.execPath, join(bin, 'node'))
  return { ...process.env, PATH: bin }
}

/** The package as it was unpacked, after its install script; what that prints. */
function installScript(copy, env) {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [join(copy, 'scripts', 'install.mjs')],
    { cwd: copy, env, encoding: 'utf8' }
  )
  return { status, lines: `${stdout}${stderr}`.split('\n').filter(Boolean) }
}

test('cargo reads the workspace that is packed', t => {
  const { copy } = packElsewhere(t, null)
  const metadata = execFileSync(
    'cargo',
    ['metadata', '--format-version', '1', '--no-deps', '--offline'],
    { cwd: join(copy, 'source'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
  )
  const names = JSON.parse(metadata).packages.map(({ name }) => name)
  assert.deepEqual(names.sort(), ['crossgate', 'crossgate-node'])
})

test(
  'without cargo the package installs with a warning, and the error of require says the rest',
  { skip: process.platform === 'win32' && 'needs sh' },
  t => {
    const { copy, directory, filename } = packElsewhere(t, 'made for another machine')
    const env = withoutCargo(directory)
    const { status, lines } = installScript(copy, env)
    assert.equal(status, 0)
    assert.equal(
      lines.filter(line => /^crossgate: warning: .*npm rebuild crossgate$/.test(line)).length,
      1,
      lines.join('\n')
    )
    assert.equal(readFileSync(join(copy, 'crossgate.node'), 'utf8'), 'made for another machine')
    assert.throws(() => require(copy), /no native module for this platform/)
    writeFileSync(join(directory, 'package.json'), '{"private": true}')
    execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${filename}`], {
      cwd: directory,
      env,
      stdio: 'pipe'
    })
    assert.ok(existsSync(join(directory, 'node_modules', 'crossgate', 'index.cjs')))
  }
)

test(
  'an install for another machine builds nothing',
  { skip: process.platform === 'win32' && 'needs sh' },
  t => {
    const { copy, directory } = packElsewhere(t, null)
    const env = withoutCargo(directory)
    const { platform } = require('../lib/engine/platform.cjs')
    const libc = platform().includes('gnu') ? 'musl' : 'glibc'
    const others = [
      { npm_config_os: 'sunos' },
      { npm_config_cpu: 'mips' },
      ...(process.platform === 'linux' ? [{ npm_config_libc: libc }] : [])
    ]
    for (const other of others)
      assert.deepEqual(
        installScript(copy, { ...env, ...other }),
        { status: 0, lines: [] },
        JSON.stringify(other)
      )
    const own = { npm_config_os: process.platform, npm_config_cpu: process.arch }
    assert.notDeepEqual(installScript(copy, { ...env, ...own }).lines, [])
  }
)

test('a binary of another platform is never overwritten: what is built here lies beside it', t => {
  const { copy } = packElsewhere(t, 'made for another machine')
  const { platform } = require('../lib/engine/platform.cjs')
  copyFileSync(join(root, 'crossgate.node'), join(copy, `crossgate.${platform()}.node`))
  assert.equal(
    new (require(copy).Policy)({ allowOrigins: '*' }).evaluate('GET', {
      origin: 'https://a.example'
    }).allowed,
    true
  )
  assert.deepEqual(installScript(copy, process.env), { status: 0, lines: [] })
  assert.equal(readFileSync(join(copy, 'crossgate.node'), 'utf8'), 'made for another machine')
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

test(
  'where no binary fits the package is built from its own source',
  { skip: !process.env.CROSSGATE_LONG && 'CROSSGATE_LONG=1 runs it', timeout: 900_000 },
  t => {
    for (const binary of [null, 'made for another machine']) {
      const { directory, filename } = packElsewhere(t, binary)
      install(directory, [filename])
      assertWorks(directory)
      const installed = join(directory, 'node_modules', 'crossgate')
      assert.ok(!existsSync(join(installed, 'source', 'target')))
      if (binary !== null)
        assert.equal(readFileSync(join(installed, 'crossgate.node'), 'utf8'), binary)
    }
  }
)

test('without a native module the error says what was looked for', t => {
  const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const engine = join(directory, 'lib', 'engine')
  mkdirSync(engine, { recursive: true })
  for (const name of ['native.cjs', 'platform.cjs'])
    copyFileSync(join(root, 'lib', 'engine', name), join(engine, name))
  assert.throws(
    () => require(join(engine, 'native.cjs')),
    error => {
      return (
        error.message.includes(`crossgate-${process.platform}-${process.arch}`) &&
        error.message.includes('crossgate.node') &&
        error.cause.code === 'MODULE_NOT_FOUND'
      )
    }
  )
})
