// Runs the tests of bindings-node and those in the real frameworks under other releases of Node,
// and a server under Bun and Deno. Installs them first.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..', '..', '..', 'bindings-node')
const run = (command, args, cwd) => {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit', timeout: 300_000 })
  if (error) throw error
  if (status !== 0) process.exitCode = 1
}

if (!existsSync(join(here, 'node_modules', 'node26')))
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], here)

// The tests of the tarball run npm, which is of the release that is installed.
const tests = readdirSync(join(root, 'test'))
  .filter(name => /\.test\.[cm]js$/.test(name) && !name.startsWith('package'))
  .map(name => join('test', name))
// Over sockets, in the current and the oldest supported releases of each.
const FRAMEWORKS = {
  express: ['express.test.mjs'],
  frameworks: ['fastify.test.mjs', 'koa.test.mjs', 'hono.test.mjs']
}
for (const release of ['node18', 'node22', 'node24', 'node26']) {
  const node = join(here, 'node_modules', release, 'bin', 'node')
  console.log(`== ${release} ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`)
  run(node, ['--test', '--test-reporter=dot', ...tests], root)
  for (const [folder, names] of Object.entries(FRAMEWORKS))
    run(node, ['--test', '--test-reporter=dot', ...names], join(here, '..', folder))
}
for (const [name, args] of [
  ['bun', []],
  ['deno', ['run', '--allow-all']]
]) {
  console.log(`== ${name}`)
  run(join(here, 'node_modules', '.bin', name), [...args, join(here, 'runtime.cjs')], here)
}
