// Runs when the package is installed: where no binary fits, builds one with cargo from the source
// that came along. Never fails: what is missing is said here in a line, and by
// `require('crossgate')`.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const { platform } = require('../lib/engine/platform.cjs')
const here = fileURLToPath(new URL('..', import.meta.url))

function failure() {
  try {
    require('../lib/engine/native.cjs')
    return null
  } catch (error) {
    return error
  }
}

/** Whether npm installs for another machine: `npm install --os=… --cpu=… --libc=…`. */
function isForAnother() {
  const { npm_config_os: os, npm_config_cpu: cpu, npm_config_libc: libc } = process.env
  const own = process.platform === 'linux' ? (platform().includes('musl') ? 'musl' : 'glibc') : ''
  return (
    (Boolean(os) && os !== process.platform) ||
    (Boolean(cpu) && cpu !== process.arch) ||
    (Boolean(libc) && own !== '' && libc !== own)
  )
}

// In a checkout there is no source/: `npm run build` builds there.
if (existsSync(join(here, 'source')) && !isForAnother()) {
  const missing = failure()
  if (missing !== null) {
    console.error(`${missing.message}\nIt is built from source now.`)
    // A binary of another platform stays: the folder may be shared with one.
    const name = existsSync(join(here, 'crossgate.node'))
      ? `crossgate.${platform()}.node`
      : 'crossgate.node'
    const { status } = spawnSync(
      process.execPath,
      [join(here, 'scripts', 'build.mjs'), `--output=${name}`],
      { stdio: 'inherit' }
    )
    rmSync(join(here, 'source', 'target'), { recursive: true, force: true })
    if (status !== 0)
      console.error(
        `crossgate: warning: installed without a native module for ${platform()}, so ` +
          `require('crossgate') will throw: install crossgate-${platform()}, or Rust ` +
          '(https://rustup.rs), then npm rebuild crossgate'
      )
  }
}
