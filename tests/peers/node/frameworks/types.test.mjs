// What users of the frameworks write compiles with `tsc --strict`, and what is wrong does not.
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const path = name => fileURLToPath(new URL(name, import.meta.url))

test('tsc --strict', () => {
  execFileSync(process.execPath, [path('node_modules/typescript/bin/tsc'), '-p', path('types')], {
    stdio: 'inherit',
    timeout: 600_000
  })
})
