// Before packing: puts what cargo needs to build the native module into source/, for platforms that
// no binary fits. `--remove`, after packing, takes it away.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(dirname(fileURLToPath(import.meta.url)))
const workspace = dirname(here)
const source = join(here, 'source')

rmSync(source, { recursive: true, force: true })
if (process.argv[2] === '--remove') process.exit()
for (const path of [
  'Cargo.lock',
  'core/README.md',
  'core/src',
  'bindings-node/Cargo.toml',
  'bindings-node/build.rs',
  'bindings-node/src'
]) {
  mkdirSync(dirname(join(source, path)), { recursive: true })
  cpSync(join(workspace, path), join(source, path), { recursive: true })
}
const edit = (path, change) =>
  writeFileSync(join(source, path), change(readFileSync(join(workspace, path), 'utf8')))
edit('Cargo.toml', text =>
  text.replace(/^members = \[[^\]]*\]$/m, 'members = ["core", "bindings-node"]')
)
// Tests, examples and benchmarks stay behind.
edit('core/Cargo.toml', text =>
  text.replace(/^\[\[(?:test|example|bench)\]\]\n(?:[^[\n].*\n)*\n?/gm, '')
)
