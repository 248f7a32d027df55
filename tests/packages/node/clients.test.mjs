// The released package installed by each package manager from a registry, run by each runtime, and
// built into a Next application. Takes long: `make test-long` runs clients/setup, then this.
import test from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attempt, everyPlatform, folder, programs, project, run, works } from './packed.mjs'

const clients = fileURLToPath(new URL('clients/', import.meta.url))
const bin = path => join(clients, 'node_modules', path)
const skip = !process.env.CROSSGATE_LONG && 'CROSSGATE_LONG=1 runs it'
const node = process.execPath
const bun = bin('bun/bin/bun.exe')
const deno = bin('@deno/linux-x64-glibc/deno')

/** A registry that has the packages of the other platforms, too: some clients look at them. */
const registry = skip ? '' : await everyPlatform()

const pnpms = {
  9: [node, bin('pnpm-9/bin/pnpm.cjs')],
  10: [node, bin('pnpm-10/bin/pnpm.cjs')],
  newest: [bin('@pnpm/exe.linux-x64/pnpm')]
}

for (const [version, [command, ...first]] of Object.entries(pnpms))
  test(
    `pnpm ${version}: add, then install from the lock file; no word of scripts`,
    { skip },
    async () => {
      const store = folder()
      const directory = folder({
        'package.json': { name: 'application', version: '1.0.0', private: true },
        '.npmrc': `registry=${registry}\nstore-dir=${store}\n`,
        ...programs
      })
      const pnpm = (...args) => run(directory, command, [...first, ...args])
      const said = await pnpm('add', 'crossgate')
      assert.doesNotMatch(said, /ignored build|approve-builds/i)
      await works(directory)
      rmSync(join(directory, 'node_modules'), { recursive: true })
      await pnpm('install', '--frozen-lockfile')
      await works(directory)
    }
  )

test("Yarn's Plug'n'Play", { skip }, async () => {
  const home = folder()
  const directory = folder({
    'package.json': { name: 'application', private: true },
    'yarn.lock': '',
    '.yarnrc.yml': [
      `npmRegistryServer: '${registry}'`,
      "unsafeHttpWhitelist: ['127.0.0.1']",
      'nodeLinker: pnp',
      'pnpEnableEsmLoader: true',
      'enableTelemetry: false',
      'npmMinimalAgeGate: 0',
      `globalFolder: ${home}`
    ].join('\n'),
    ...programs
  })
  const yarn = [node, bin('@yarnpkg/cli-dist/bin/yarn.js')]
  await run(directory, yarn[0], [yarn[1], 'add', 'crossgate'], { CI: '' })
  assert.ok(existsSync(join(directory, '.pnp.cjs')))
  await works(directory, [...yarn, 'node'])
})

test('Bun installs and runs it', { skip }, async () => {
  const directory = folder({
    'package.json': { private: true },
    'bunfig.toml': `[install]\nregistry = "${registry}"\ncache = "${folder()}"\n`,
    ...programs
  })
  await run(directory, bun, ['add', 'crossgate'])
  await works(directory, [bun])
})

test('Deno runs it with --allow-ffi, and without says so', { skip }, async () => {
  const directory = await project(programs)
  const env = { DENO_DIR: folder(), DENO_NO_UPDATE_CHECK: '1' }
  for (const file of Object.keys(programs)) {
    const open = ['run', '--allow-ffi', '--allow-read', '--allow-env', '--allow-net', file]
    assert.equal((await run(directory, deno, open, env)).trim(), 'allowed', file)
    const closed = ['run', '--no-prompt', '--allow-read', '--allow-env', '--allow-net', file]
    const { status, output } = await attempt(directory, deno, closed, env)
    assert.notEqual(status, 0)
    assert.match(output, /only with permission: deno run --allow-ffi/)
  }
})

const options = "{ origin: ['https://a.example'] }"
const application = {
  'package.json': { private: true },
  'app/layout.js':
    'export default ({ children }) => <html lang="en"><body>{children}</body></html>',
  'app/page.js': 'export default () => <p>hello</p>',
  'app/api/route/route.js': `
    import { withCors } from 'crossgate/fetch'
    export const dynamic = 'force-dynamic'
    const handler = withCors(() => Response.json({}), ${options})
    export { handler as GET, handler as OPTIONS }`,
  'pages/api/page.js': `
    import cors from 'crossgate'
    const answer = cors(${options})
    export default (req, res) => answer(req, res, () => res.json({}))`
}

/** The application below clients/, so that Next is found without a link out of its root. */
async function next(t, config) {
  const top = mkdtempSync(join(clients, 'application-'))
  t.after(() => rmSync(top, { recursive: true, force: true }))
  const directory = await project(application, '--save')
  await run(top, 'cp', ['-r', `${directory}/.`, top])
  writeFileSync(
    join(top, 'next.config.mjs'),
    `export default ${JSON.stringify({ ...config, turbopack: { root: clients } })}`
  )
  return top
}

const nextBin = bin('next/dist/bin/next')
const quiet = { NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' }

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.on('listening', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

/** The ACAO of a request to a path, from `next start`. */
async function answers(directory, paths) {
  const port = await freePort()
  const server = spawn(node, [nextBin, 'start', '-p', port, '-H', '127.0.0.1'], {
    cwd: directory,
    env: { ...process.env, ...quiet },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  try {
    for await (const line of server.stdout) if (/Ready/.test(line)) break
    const found = []
    for (const path of paths)
      for (const origin of ['https://a.example', 'https://evil.example']) {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { origin } })
        found.push([response.status, response.headers.get('access-control-allow-origin')])
      }
    return found
  } finally {
    server.kill()
  }
}

for (const bundler of ['turbopack', 'webpack'])
  test(`Next, ${bundler}: a route handler and a page of the API`, { skip }, async t => {
    const directory = await next(t, { serverExternalPackages: ['crossgate'] })
    await run(directory, node, [nextBin, 'build', `--${bundler}`], quiet)
    const allowed = [
      [200, 'https://a.example'],
      [200, null]
    ]
    const paths = ['/api/route', '/api/page']
    assert.deepEqual(await answers(directory, paths), [...allowed, ...allowed])
  })

test('Next without serverExternalPackages fails at the build, and names it', { skip }, async t => {
  for (const bundler of ['turbopack', 'webpack']) {
    const directory = await next(t, {})
    const build = [nextBin, 'build', `--${bundler}`]
    const { status, output } = await attempt(directory, node, build, quiet)
    assert.equal(status, 1, output)
    assert.match(output, /crossgate\.[\w-]+\.node/)
  }
})
