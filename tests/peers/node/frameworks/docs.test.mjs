// The examples of docs/node.md that need a framework run as they stand, and each is short.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = new URL('../../../../', import.meta.url)
const here = new URL('node_modules/.examples/', import.meta.url)
const page = readFileSync(new URL('docs/node.md', root), 'utf8')
const examples = [...page.matchAll(/^```mjs (\w+)\n([^]*?)^```$/gm)].map(([, name, text]) => ({
  name,
  text
}))

// In the example's process: tells where it listens, since no example says that.
const TELL = `import { Server } from 'node:net'
const { emit } = Server.prototype
Server.prototype.emit = function (event, ...rest) {
  if (event === 'listening') process.send(this.address().port)
  return emit.call(this, event, ...rest)
}`

/**
 * Runs a script. One that serves is asked once it listens, and ended then: `asked` is what
 * `ask(port)` gave.
 */
function run(file, ask) {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(TELL)}`, file],
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], timeout: 300_000 }
    )
    let errors = ''
    let asked = null
    child.stderr.on('data', data => (errors += data))
    child.on('message', async port => {
      try {
        asked = await ask(port)
      } catch (error) {
        reject(error)
      }
      child.kill('SIGKILL')
    })
    child.on('exit', code => resolve({ code, asked, errors }))
  })
}

const A = 'https://app.example.com'

/** What an allowed and another origin are answered. */
async function ask(port) {
  const headers = []
  for (const origin of [A, 'https://evil.example']) {
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { origin } })
    headers.push([
      response.status,
      response.headers.get('access-control-allow-origin'),
      await response.text()
    ])
  }
  return headers
}

test('there is an example for each', () => {
  assert.deepEqual(
    examples.map(({ name }) => name),
    ['fastify', 'koa', 'hono', 'fetch']
  )
})

for (const { name, text } of examples) {
  test(`docs/node.md: ${name}`, async t => {
    assert.ok(
      text
        .trim()
        .split('\n')
        .filter(line => line !== '').length < 10,
      'under ten lines'
    )
    const directory = new URL(`${name}/`, here)
    mkdirSync(new URL('node_modules/', directory), { recursive: true })
    t.after(() => rmSync(directory, { recursive: true, force: true }))
    symlinkSync(
      fileURLToPath(new URL('bindings-node', root)),
      fileURLToPath(new URL('node_modules/crossgate', directory))
    )
    writeFileSync(new URL('example.mjs', directory), text)
    const { code, asked, errors } = await run(fileURLToPath(new URL('example.mjs', directory)), ask)
    assert.equal(errors, '')
    if (name === 'fetch') assert.equal(code, 0)
    else
      assert.deepEqual(asked, [
        [200, A, 'hello'],
        [200, null, 'hello']
      ])
  })
}
