// Runs when the package is installed: where no binary fits, builds one with cargo from the source that came along.
import { existsSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('..', import.meta.url))

function loads() {
  try {
    createRequire(import.meta.url)('../lib/native.cjs')
    return true
  } catch (error) {
    console.error(`${error.message}\nIt is built from source now.`)
    return false
  }
}

// In a checkout there is no source/: `npm run build` builds there.
if (existsSync(join(here, 'source')) && !loads()) {
  await import('./build.mjs')
  rmSync(join(here, 'source', 'target'), { recursive: true, force: true })
}
