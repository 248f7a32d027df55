// Builds the native module with cargo and puts it beside index.cjs: from the workspace, or, in an
// installed package, from source/. `--debug` skips the optimiser, `--output=NAME` gives the file
// another name than crossgate.node.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(dirname(fileURLToPath(import.meta.url)))
const packed = join(here, 'source', 'bindings-node')
const crate = existsSync(join(here, '..', 'Cargo.toml')) ? here : packed
const debug = process.argv.includes('--debug')
const library =
  { darwin: 'libcrossgate_node.dylib', win32: 'crossgate_node.dll' }[process.platform] ??
  'libcrossgate_node.so'

function cargo(args, options) {
  const { status, error, stdout } = spawnSync('cargo', args, {
    cwd: crate,
    stdio: 'inherit',
    ...options
  })
  if (error?.code === 'ENOENT') {
    console.error(
      'crossgate: cargo is missing; install Rust (https://rustup.rs), or install the package ' +
        'on a platform that it has a binary for'
    )
    process.exit(1)
  }
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
  return stdout
}

cargo(['build', '-p', 'crossgate-node', ...(debug ? [] : ['--release'])])
// Whoever sets CARGO_TARGET_DIR or shares a workspace has the result elsewhere; cargo knows where.
const metadata = cargo(['metadata', '--format-version', '1', '--no-deps'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
  maxBuffer: 1 << 26
})
const built = join(JSON.parse(metadata).target_directory, debug ? 'debug' : 'release', library)
const name =
  process.argv.find(argument => argument.startsWith('--output='))?.slice('--output='.length) ??
  'crossgate.node'
const target = join(here, name)
// Renamed into place: a running process keeps the file that it has mapped.
copyFileSync(built, `${target}.new`)
renameSync(`${target}.new`, target)
console.log(`${name}: ${readFileSync(target).length} bytes`)
