#!/usr/bin/env node
// `crossgate-build`: builds the native module of crossgate from the sources in this package, for
// the crossgate that the project in the working directory has installed.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './cargo.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const versionIn = folder => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
const version = versionIn(here)

function fail(why) {
  console.error(`crossgate-build: ${why}`)
  process.exit(1)
}

/** The folder of the crossgate that the project uses. */
function installed() {
  const project = createRequire(join(process.cwd(), 'package.json'))
  try {
    return dirname(project.resolve('crossgate/package.json'))
  } catch {
    fail(`crossgate is not installed in ${process.cwd()}: npm install crossgate@${version}`)
  }
}

const target = installed()
if (!existsSync(target))
  fail(`crossgate lies in an archive, ${target}: unpack it first: yarn unplug crossgate`)
const found = versionIn(target)
if (found !== version)
  fail(
    `this is the source of ${version}, but crossgate ${found} is installed: ` +
      `npx --package=crossgate-source@${found} crossgate-build`
  )
const output = join(target, 'crossgate.node')
// What cargo leaves behind is big, and the package itself may be read-only.
const own = process.env.CARGO_TARGET_DIR
const work = own ?? mkdtempSync(join(tmpdir(), 'crossgate-build-'))
process.on('exit', () => own ?? rmSync(work, { recursive: true, force: true }))
build(join(here, 'source', 'bindings-node'), output, { env: { CARGO_TARGET_DIR: work } })
