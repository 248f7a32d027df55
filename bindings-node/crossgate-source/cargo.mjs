// Runs cargo for the crate of the native module.
import { spawnSync } from 'node:child_process'
import { copyFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

function cargo(args, options) {
  const { status, error, stdout } = spawnSync('cargo', args, { stdio: 'inherit', ...options })
  if (error?.code === 'ENOENT') {
    console.error('crossgate: cargo is missing: install Rust, https://rustup.rs')
    process.exit(1)
  }
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
  return stdout
}

function libraryOf(system) {
  if (system === 'darwin') return 'libcrossgate_node.dylib'
  return system === 'win32' ? 'crossgate_node.dll' : 'libcrossgate_node.so'
}

function systemOf(triple) {
  if (triple === undefined) return process.platform
  if (triple.includes('apple-darwin')) return 'darwin'
  return triple.includes('windows') ? 'win32' : 'linux'
}

/**
 * Builds the crate in the workspace that `directory` belongs to and puts the module into the file
 * `output`. `debug` skips the optimiser, `target` is one of rustc. `zig` links with zig, which has
 * the C libraries of all systems: `zig.target` is then what cargo-zigbuild calls the target.
 */
export function build(directory, output, { debug = false, target, zig, env = {} } = {}) {
  const environment = { ...process.env, ...env }
  const profile = debug ? [] : ['--release']
  const forTarget = target === undefined ? [] : ['--target', zig?.target ?? target]
  cargo([zig ? 'zigbuild' : 'build', '-p', 'crossgate-node', ...profile, ...forTarget], {
    cwd: directory,
    env: environment
  })
  // Whoever sets CARGO_TARGET_DIR or shares a workspace has the result elsewhere; cargo knows.
  const metadata = cargo(['metadata', '--format-version', '1', '--no-deps'], {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 26
  })
  const built = join(
    JSON.parse(metadata).target_directory,
    target ?? '',
    debug ? 'debug' : 'release',
    libraryOf(systemOf(target))
  )
  // Renamed into place: a running process keeps the file that it has mapped, and a package manager
  // that links files from its store keeps its own.
  copyFileSync(built, `${output}.new`)
  renameSync(`${output}.new`, output)
  console.log(`${output}: ${statSync(output).size} bytes`)
}
