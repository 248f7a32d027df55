// Runs the tests that @fastify/cors ships against crossgate/fastify, by changing what they import,
// and prints the score. (The packages of @koa/cors and hono hold no tests.)
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = new URL('./', import.meta.url)
const shipped = new URL('node_modules/@fastify/cors/test/', here)
const copies = new URL('node_modules/.own-tests/', here)
const plugin = fileURLToPath(new URL('../../../../bindings-node/adapters/fastify.cjs', here))

/** `{ passed, failed: [name] }`; `vary.test.js` tests a helper that only the peer has. */
export function run() {
  rmSync(copies, { recursive: true, force: true })
  mkdirSync(copies)
  const files = readdirSync(shipped).filter(
    name => name.endsWith('.test.js') && name !== 'vary.test.js'
  )
  for (const name of files) {
    const text = readFileSync(new URL(name, shipped), 'utf8').replace(
      /require\('\.\.\/?'\)/g,
      `require(${JSON.stringify(plugin)})`
    )
    writeFileSync(new URL(name, copies), text)
  }
  let output
  try {
    output = execFileSync(
      process.execPath,
      ['--test', '--test-reporter=tap', ...files.map(name => fileURLToPath(new URL(name, copies)))],
      {
        encoding: 'utf8',
        env: { ...process.env, NODE_TEST_CONTEXT: undefined },
        timeout: 300_000,
        stdio: ['ignore', 'pipe', 'ignore']
      }
    )
  } catch (error) {
    output = error.stdout
  }
  rmSync(copies, { recursive: true })
  const passed = [...output.matchAll(/^ *ok \d+ - (?!.*\.test\.js)(.*)$/gm)].map(match => match[1])
  const failed = [...output.matchAll(/^ *not ok \d+ - (?!.*\.test\.js)(.*)$/gm)].map(
    match => match[1]
  )
  return { passed: passed.length, failed, output }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = run()
  console.log(
    `@fastify/cors: ${passed} of ${passed + failed.length} of its own tests pass with ` +
      'crossgate/fastify'
  )
  for (const name of failed) console.log(`  not: ${name}`)
}
