// The examples of docs/node.md, each run as it stands (on a free port): servers are asked, programs
// say what their comments say.
import test from 'node:test'
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  mkdirSync
} from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(root, '..', 'docs', 'node.md'), 'utf8')
// Express and its like are installed beside the tests that compare with them.
const expressModules = join(root, '..', 'tests', 'peers', 'node', 'express', 'node_modules')
const APP = 'https://app.example.com'

/** The examples under a heading. */
function examples(heading) {
  const section = page.split(/^## /m).find(part => part.startsWith(`${heading}\n`))
  return [...section.matchAll(/```mjs\n([^]*?)```/g)].map(match => match[1])
}

function write(t, source) {
  const directory = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  mkdirSync(join(directory, 'node_modules'))
  symlinkSync(root, join(directory, 'node_modules', 'crossgate'))
  if (existsSync(join(expressModules, 'express')))
    symlinkSync(join(expressModules, 'express'), join(directory, 'node_modules', 'express'))
  const file = join(directory, 'example.mjs')
  writeFileSync(file, source)
  return file
}

/** Starts an example; gives its port. */
async function start(t, source) {
  assert.match(source, /\.listen\(8080\)/)
  const file = write(
    t,
    source.replace(
      /\.listen\(8080\)/,
      ".listen(0, '127.0.0.1', function () { console.log(this.address().port) })"
    )
  )
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  const [line] = await Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data'),
    once(child, 'exit').then(() => {
      throw new Error('the example ended')
    })
  ])
  return Number(line)
}

/** Runs an example that prints; gives its lines. */
async function run(t, source) {
  const { stdout } = await promisify(execFile)(process.execPath, [write(t, source)], {
    encoding: 'utf8',
    timeout: 300_000
  })
  return stdout.split('\n').filter(Boolean)
}

async function ask(port, headers, method = 'GET') {
  const req = http.request({
    host: '127.0.0.1',
    port,
    method,
    headers,
    agent: false,
    timeout: 120_000
  })
  req.end()
  const [res] = await once(req, 'response')
  let body = ''
  for await (const chunk of res.setEncoding('utf8')) body += chunk
  return [res.statusCode, res.headers['access-control-allow-origin'], body]
}

test('every example is under ten lines', () => {
  for (const heading of ['Express', 'http', 'http2', 'WebSockets', 'Policy API']) {
    assert.notEqual(examples(heading).length, 0, heading)
    for (const source of examples(heading))
      assert.ok(source.split('\n').filter(line => line.trim()).length < 10, source)
  }
})

test(
  'Express',
  {
    timeout: 300_000,
    skip:
      !existsSync(join(expressModules, 'express')) && 'tests/peers/node/express/setup was not run'
  },
  async t => {
    const [app] = examples('Express')
    const port = await start(t, app)
    assert.deepEqual(await ask(port, { origin: APP }), [200, APP, 'hello'])
    assert.deepEqual(
      await ask(
        port,
        { origin: 'https://x.preview.example.com', 'access-control-request-method': 'PUT' },
        'OPTIONS'
      ),
      [204, 'https://x.preview.example.com', '']
    )
    assert.deepEqual(await ask(port, { origin: 'https://evil.example' }), [200, undefined, 'hello'])
  }
)

test('a function for origins', { timeout: 300_000 }, async t => {
  const { default: middleware } = await import(write(t, examples('Express')[1]))
  const server = http.createServer((req, res) => middleware(req, res, () => res.end('hello')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  assert.deepEqual(await ask(server.address().port, { origin: 'https://tenant.example' }), [
    200,
    'https://tenant.example',
    'hello'
  ])
  assert.deepEqual(await ask(server.address().port, { origin: APP }), [200, undefined, 'hello'])
})

test('http', { timeout: 300_000 }, async t => {
  const port = await start(t, examples('http')[0])
  assert.deepEqual(await ask(port, { origin: APP }), [200, APP, 'hello'])
  assert.deepEqual(
    await ask(port, { origin: APP, 'access-control-request-method': 'PUT' }, 'OPTIONS'),
    [204, APP, '']
  )
})

test('http2', { timeout: 300_000 }, async t => {
  const client = http2.connect(`http://127.0.0.1:${await start(t, examples('http2')[0])}`)
  t.after(() => client.destroy())
  const stream = client.request({ ':path': '/', origin: APP })
  const [headers] = await once(stream, 'response')
  assert.equal(headers['access-control-allow-origin'], APP)
})

test('WebSockets', { timeout: 300_000 }, async t => {
  const port = await start(t, examples('WebSockets')[0])
  const status = async origin => {
    const req = http.request({
      host: '127.0.0.1',
      port,
      headers: { origin, Connection: 'Upgrade', Upgrade: 'example' },
      agent: false,
      timeout: 120_000
    })
    req.end()
    const [res, socket] = await Promise.race([once(req, 'upgrade'), once(req, 'response')])
    socket?.destroy()
    res.resume()
    return res.statusCode
  }
  assert.deepEqual(
    [
      await status(APP),
      await status('https://www.example.com'),
      await status('https://evil.example')
    ],
    [101, 101, 403]
  )
})

test('Policy API', { timeout: 300_000 }, async t => {
  const [wrong, apply, shared] = examples('Policy API')
  const said = source => [...source.matchAll(/\/\/ (.*)$/gm)].map(match => match[1])
  assert.deepEqual(await run(t, wrong), said(wrong))
  assert.deepEqual(await run(t, apply), said(apply))
  assert.deepEqual(
    await run(t, shared),
    said(shared).filter(line => !line.startsWith('one that'))
  )
})
