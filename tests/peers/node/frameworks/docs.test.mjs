// The examples of docs/node.md that need a framework run as they stand, and each is short.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = new URL('../../../../', import.meta.url)
const here = new URL('node_modules/.examples/', import.meta.url)
const page = readFileSync(new URL('docs/node.md', root), 'utf8')
const examples = [...page.matchAll(/^```mjs (\w+)\n([^]*?)^```$/gm)].map(([, name, text]) => ({ name, text }))

/** Runs a script; one that serves is ended, once it has lived for a second. */
function run(file) {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', data => (errors += data))
    const timer = setTimeout(() => child.kill(), 2000)
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, errors })
    })
  })
}

test('there is an example for each', () => {
  assert.deepEqual(examples.map(({ name }) => name), ['fastify', 'koa', 'hono', 'fetch'])
})

for (const { name, text } of examples) {
  test(`docs/node.md: ${name}`, async t => {
    assert.ok(text.trim().split('\n').filter(line => line !== '').length < 10, 'under ten lines')
    const directory = new URL(`${name}/`, here)
    mkdirSync(new URL('node_modules/', directory), { recursive: true })
    t.after(() => rmSync(directory, { recursive: true, force: true }))
    symlinkSync(fileURLToPath(new URL('bindings-node', root)), fileURLToPath(new URL('node_modules/crossgate', directory)))
    writeFileSync(new URL('example.mjs', directory), text)
    const { code, signal, errors } = await run(fileURLToPath(new URL('example.mjs', directory)))
    assert.equal(errors, '')
    assert.ok(code === 0 || signal === 'SIGTERM', `${code} ${signal}`)
  })
}
