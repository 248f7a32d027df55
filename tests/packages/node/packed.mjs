// The packages as users get them, packed once for each file of tests: `alone` is what `npm pack`
// makes in a checkout, `released` what a release publishes, with the package of this platform.
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import assert from 'node:assert/strict'
import { registry } from './registry.mjs'

export const source = fileURLToPath(new URL('../../../bindings-node/', import.meta.url))
export const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
const require = createRequire(import.meta.url)
/** That of this machine. */
export const platform = require(join(source, 'lib/engine/platform.cjs')).platform()

const top = mkdtempSync(join(tmpdir(), 'crossgate-packed-'))
process.on('exit', () => rmSync(top, { recursive: true, force: true }))
let count = 0

/** A new folder with these files, path -> text or value of JSON. It goes when the process ends. */
export function folder(files = {}) {
  const made = join(top, String(count++))
  mkdirSync(made)
  for (const [path, content] of Object.entries(files)) {
    const file = join(made, path)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  }
  return made
}

/** Runs a program; gives what it printed, and throws with all of it if it fails. */
export async function run(cwd, command, args, env = {}) {
  const { status, output } = await attempt(cwd, command, args, env)
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${output}`)
  return output
}

/** The same, whether it fails or not. */
export async function attempt(cwd, command, args, env = {}) {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', CI: '1', ...env },
      timeout: 600_000,
      maxBuffer: 1 << 26
    })
    return { status: 0, output: stdout + stderr }
  } catch (error) {
    return { status: error.code ?? 1, output: `${error.stdout}${error.stderr}` || error.message }
  }
}

/** The names of the files in a tarball. */
export function content(tarball) {
  return execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
    .map(name => name.replace(/^package\//, ''))
}

const destination = folder()
execFileSync('npm', ['pack', '--silent', '--pack-destination', destination], {
  cwd: source,
  stdio: 'pipe'
})
export const alone = join(destination, `crossgate-${version}.tgz`)

const release = folder()
execFileSync(
  process.execPath,
  ['scripts/packages.mjs', release, `${platform}=${join(source, 'crossgate.node')}`],
  { cwd: source, stdio: 'pipe' }
)
const tarball = name => join(release, `${name}-${version}.tgz`)
export const released = {
  main: tarball('crossgate'),
  source: tarball('crossgate-source'),
  platform: tarball(`crossgate-${platform}`),
  all: readdirSync(release).map(name => join(release, name))
}

/** The address of a registry with what is released. */
export const address = await registry(released.all)

/** The address of a registry that has the packages of all platforms; only this one's loads. */
export async function everyPlatform() {
  const release = folder({ 'other.node': 'made for another machine' })
  const { targets } = await import(join(source, 'scripts/targets.mjs'))
  const modules = targets.map(target => {
    const file = target.platform === platform ? join(source, 'crossgate.node') : 'other.node'
    return `${target.platform}=${file}`
  })
  const packages = join(release, 'packages')
  await run(release, process.execPath, [join(source, 'scripts/packages.mjs'), packages, ...modules])
  return registry(readdirSync(packages).map(name => join(packages, name)))
}

/** A project in which npm has installed what is released. */
export async function project(files, ...options) {
  const made = folder({ 'package.json': { private: true }, ...files })
  await run(made, 'npm', [
    'install',
    `--registry=${address}`,
    `--cache=${join(top, 'npm-cache')}`,
    '--no-audit',
    '--no-fund',
    'crossgate',
    ...options
  ])
  return made
}

/** Programs in both module systems; each prints `allowed` when its server answered a preflight. */
export const programs = {
  'use.cjs': `
    const cors = require('crossgate')
    const http = require('node:http')
    ${serve()}`,
  'use.mjs': `
    import cors from 'crossgate'
    import http from 'node:http'
    ${serve()}`
}

function serve() {
  return `
    const origin = 'https://a.example'
    const answer = cors({ origin: [origin] })
    const server = http.createServer((req, res) => answer(req, res, () => res.end()))
    server.listen(0, '127.0.0.1', () => {
      const headers = { origin, 'access-control-request-method': 'PUT' }
      const { port } = server.address()
      http.request({ host: '127.0.0.1', port, method: 'OPTIONS', headers }, res => {
        const { 'access-control-allow-origin': allowed } = res.headers
        console.log(res.statusCode === 204 && allowed === origin ? 'allowed' : 'denied')
        process.exit()
      }).end()
    })`
}

/** That both programs work in a folder. */
export async function works(directory, command = [process.execPath]) {
  for (const file of Object.keys(programs)) {
    const said = await run(directory, command[0], [...command.slice(1), file])
    assert.equal(said.trim(), 'allowed', file)
  }
}
