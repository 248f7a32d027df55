// Packs what a release publishes:
//
//     node scripts/packages.mjs FOLDER [PLATFORM=FILE…]
//
// puts into FOLDER the tarballs of
// - `crossgate`, without a binary: it names the packages of the platforms as optional dependencies.
//   They stand in no manifest of a checkout: installing there would ask for names that nobody may
//   have published yet;
// - `crossgate-source`, what cargo needs to build the module;
// - `crossgate-PLATFORM` for each FILE; where none is named, for each npm/PLATFORM.node that
//   `build.mjs --target=TRIPLE` has made.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { restrictions, targets } from './targets.mjs'

const here = dirname(dirname(fileURLToPath(import.meta.url)))
const workspace = dirname(here)
const manifest = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
const { version, license, homepage, bugs, repository, engines } = manifest
const common = { version, license, homepage, bugs, repository }
const licences = ['LICENSE-APACHE', 'LICENSE-MIT']

/** The manifest of `crossgate` as it is published. */
function publishedManifest() {
  const { devDependencies: _, scripts: __, files, ...rest } = manifest
  return {
    ...rest,
    files: files.filter(name => name !== 'crossgate.node'),
    optionalDependencies: Object.fromEntries(
      targets.map(({ platform }) => [`crossgate-${platform}`, version])
    )
  }
}

/** The folder of a package before it is packed: path -> what is copied there, or its text. */
function write(folder, files) {
  for (const [path, content] of Object.entries(files)) {
    const to = join(folder, path)
    mkdirSync(dirname(to), { recursive: true })
    if ('from' in content) cpSync(content.from, to, { recursive: true })
    else writeFileSync(to, content.text)
  }
}

const json = value => ({ text: `${JSON.stringify(value, null, 2)}\n` })
const from = (root, paths) =>
  Object.fromEntries(paths.map(path => [path, { from: join(root, path) }]))

function main() {
  const published = publishedManifest()
  return {
    'package.json': json(published),
    ...from(here, [...published.files, 'README.md'])
  }
}

function ofPlatform(target, module) {
  const file = `crossgate.${target.platform}.node`
  return {
    'package.json': json({
      name: `crossgate-${target.platform}`,
      ...common,
      description: `The native module of crossgate for ${target.platform}.`,
      engines,
      ...restrictions(target),
      main: file,
      files: [file, ...licences]
    }),
    'README.md': {
      text:
        `# crossgate-${target.platform}\n\nThe native module of ` +
        `[crossgate](https://www.npmjs.com/package/crossgate) for ${target.triple}. ` +
        'crossgate installs it by itself.\n'
    },
    ...from(here, licences),
    [file]: { from: module }
  }
}

/** platform -> the file with its module. */
function modules(named) {
  if (named.length > 0)
    return Object.fromEntries(
      named.map(argument => {
        const [platform, file] = argument.split(/=(.*)/s)
        if (!targets.some(target => target.platform === platform))
          throw new Error(`no package is made for ${platform}: see scripts/targets.mjs`)
        return [platform, resolve(file)]
      })
    )
  const built = targets.map(({ platform }) => [platform, join(here, 'npm', `${platform}.node`)])
  return Object.fromEntries(built.filter(([, file]) => existsSync(file)))
}

function source() {
  const text = (path, change) => ({
    text: change(readFileSync(join(workspace, path), 'utf8'))
  })
  const crate = [
    'Cargo.lock',
    'core/README.md',
    'core/src',
    'bindings-node/Cargo.toml',
    'bindings-node/build.rs',
    'bindings-node/src'
  ]
  return {
    'package.json': json({
      name: 'crossgate-source',
      ...common,
      description:
        'The Rust sources of crossgate for Node, and crossgate-build, which builds them.',
      engines,
      type: 'module',
      bin: { 'crossgate-build': 'build.mjs' },
      files: ['build.mjs', 'cargo.mjs', 'source', ...licences]
    }),
    ...from(join(here, 'crossgate-source'), ['README.md', 'build.mjs', 'cargo.mjs']),
    ...from(here, licences),
    ...Object.fromEntries(crate.map(path => [`source/${path}`, { from: join(workspace, path) }])),
    'source/Cargo.toml': text('Cargo.toml', toml =>
      toml.replace(/^members = \[[^\]]*\]$/m, 'members = ["core", "bindings-node"]')
    ),
    // Tests, examples and benchmarks stay behind.
    'source/core/Cargo.toml': text('core/Cargo.toml', toml =>
      toml.replace(/^\[\[(?:test|example|bench)\]\]\n(?:[^[\n].*\n)*\n?/gm, '')
    )
  }
}

function pack(files, destination) {
  const folder = mkdtempSync(join(tmpdir(), 'crossgate-pack-'))
  try {
    write(folder, files)
    const said = execFileSync('npm', ['pack', '--json', '--pack-destination', destination], {
      cwd: folder,
      encoding: 'utf8',
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const [{ filename, size, unpackedSize }] = JSON.parse(said)
    console.log(`${filename}: ${size} bytes, ${unpackedSize} unpacked`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function packAll(destination, modules) {
  mkdirSync(destination, { recursive: true })
  const built = targets.filter(({ platform }) => platform in modules)
  const platforms = built.map(target => ofPlatform(target, modules[target.platform]))
  for (const files of [main(), source(), ...platforms]) pack(files, destination)
  const missing = targets.filter(target => !built.includes(target))
  if (missing.length > 0)
    console.log(`not packed: ${missing.map(({ platform }) => platform).join(', ')}`)
}

const [folder, ...named] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node scripts/packages.mjs FOLDER [PLATFORM=FILE…]')
  process.exit(2)
}
packAll(resolve(folder), modules(named))
