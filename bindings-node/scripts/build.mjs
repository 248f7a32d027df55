// Builds the native module with cargo and puts it beside index.cjs. `--debug` skips the optimiser.
// `--target=TRIPLE` builds for another system and puts the module into npm/, where packages.mjs
// takes it from; for Linux it needs cargo-zigbuild and zig (`pip install cargo-zigbuild ziglang`).
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from '../crossgate-source/cargo.mjs'
import { targets } from './targets.mjs'

const here = dirname(dirname(fileURLToPath(import.meta.url)))
if (!existsSync(join(here, '..', 'Cargo.toml'))) {
  console.error('build: this is no checkout of crossgate: its Cargo.toml is missing')
  process.exit(1)
}
const triple = process.argv
  .find(argument => argument.startsWith('--target='))
  ?.slice('--target='.length)
const debug = process.argv.includes('--debug')
if (triple === undefined) build(here, join(here, 'crossgate.node'), { debug })
else {
  const target = targets.find(target => target.triple === triple)
  if (target === undefined) {
    console.error(`build: no package is made for ${triple}: see scripts/targets.mjs`)
    process.exit(1)
  }
  mkdirSync(join(here, 'npm'), { recursive: true })
  build(here, join(here, 'npm', `${target.platform}.node`), {
    debug,
    target: triple,
    ...(triple.includes('-linux-') ? forLinux(triple) : {})
  })
}

/** The oldest C libraries: what is linked with them runs with newer ones, too. */
function forLinux(triple) {
  if (!triple.includes('-musl')) return { zig: { target: `${triple}.2.17` } }
  // A shared library uses the C library that the process has.
  const variable = `CARGO_TARGET_${triple.toUpperCase().replaceAll('-', '_')}_RUSTFLAGS`
  const env = { [variable]: `${process.env[variable] ?? ''} -C target-feature=-crt-static`.trim() }
  return { zig: { target: triple }, env }
}
