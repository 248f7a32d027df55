// Before `npm pack` and `npm publish`: the package that is made here works alone on this platform,
// so the module must be there and load. What is published instead is made by packages.mjs.
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const beside = fileURLToPath(new URL('../crossgate.node', import.meta.url))
const workspace = fileURLToPath(new URL('../../Cargo.toml', import.meta.url))

function fail(why) {
  console.error(`npm pack: ${why}`)
  process.exit(1)
}

if (!existsSync(beside))
  fail(
    existsSync(workspace)
      ? 'crossgate.node is missing: npm run build'
      : 'crossgate.node is missing, and this is no checkout of crossgate to build it from'
  )
try {
  createRequire(import.meta.url)(beside)
} catch (error) {
  fail(`crossgate.node does not load here (${error.message.split('\n', 1)[0]}): npm run build`)
}
