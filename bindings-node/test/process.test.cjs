'use strict'
// Threads, memory, and the end of a process.

const test = require('node:test')
const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { join } = require('node:path')
const { Worker, isMainThread, parentPort } = require('node:worker_threads')

const main = join(__dirname, '..', 'index.cjs')
const run = source =>
  execFileSync(process.execPath, ['-e', source, main], { encoding: 'utf8', timeout: 120_000 })

test('worker threads have policies of their own, at once', { skip: !isMainThread }, async () => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { Policy } = require(workerData.main)
    const origin = 'https://w' + workerData.id + '.example'
    const policy = new Policy({ allowOrigins: [origin] })
    let allowed = 0
    for (let i = 0; i < 20000; i++) {
      allowed += policy.evaluate('GET', ['Origin', origin]).allowed
      allowed += policy.evaluate('GET', ['Origin', 'https://other.example']).allowed
    }
    parentPort.postMessage([policy.evaluate('GET', { origin }).headers[0][1], allowed])`
  const answers = await Promise.all(
    [0, 1, 2, 3].map(
      id =>
        new Promise((resolve, reject) => {
          const worker = new Worker(source, { eval: true, workerData: { main, id } })
          let answer
          worker.on('message', message => {
            answer = message
          })
          worker.on('error', reject)
          worker.on('exit', code =>
            code === 0 ? resolve(answer) : reject(new Error(`exit ${code}`))
          )
        })
    )
  )
  assert.deepEqual(
    answers,
    [0, 1, 2, 3].map(id => [`https://w${id}.example`, 20000])
  )
})

test('a worker ended in the middle takes nothing down', { skip: !isMainThread }, () => {
  const out = run(`
    const { Worker } = require('node:worker_threads')
    const source = "const { Policy } = require(" + JSON.stringify(process.argv[1]) + ");" +
      "require('node:worker_threads').parentPort.postMessage(0);" +
      "for (;;) new Policy({ allowOrigins: '*' }).evaluate('GET', ['Origin', 'x'])"
    const one = () => new Promise(done => {
      const worker = new Worker(source, { eval: true })
      worker.on('message', () => setTimeout(() => worker.terminate().then(done), 20))
    })
    ;(async () => { for (let i = 0; i < 10; i++) await one(); console.log('alive') })()`)
  assert.equal(out, 'alive\n')
})

// A hundred thousand; a million with CROSSGATE_LONG=1.
const POLICIES = process.env.CROSSGATE_LONG ? 1_000_000 : 100_000

test(
  `${POLICIES.toLocaleString('en')} policies made and dropped leave the memory as it was`,
  { timeout: 600_000 },
  () => {
    const out = execFileSync(
      process.execPath,
      [
        '--expose-gc',
        '-e',
        `
    const { Policy } = require(process.argv[1])
    const { join } = require('node:path')
    const { answerFor } = require(join(process.argv[1], '..', 'lib', 'answers', 'begin.cjs'))
    const headers = { origin: 'https://a.example' }
    async function make(count) {
      for (let i = 1; i <= count; i++) {
        const policy = new Policy({ allowOrigins: ['https://a.example', 'https://*.b.example'] })
        policy.evaluate('GET', headers)
        answerFor(policy, 'GET', headers)
        // Node runs finalizers between turns of its event loop.
        if (i % 100 === 0) await new Promise(setImmediate)
      }
    }
    async function measure() {
      for (let i = 0; i < 4; i++) { gc(); await new Promise(setImmediate) }
      const { rss, heapUsed } = process.memoryUsage()
      return { rss: rss / 1e6, heap: heapUsed / 1e6 }
    }
    ;(async () => {
      await make(20_000)
      const before = await measure()
      await make(${POLICIES})
      const after = await measure()
      console.log(JSON.stringify({ rss: after.rss - before.rss, heap: after.heap - before.heap }))
    })()`,
        main
      ],
      { encoding: 'utf8', timeout: 600_000 }
    )
    const { rss, heap } = JSON.parse(out)
    // A policy that stayed would be some kilobytes, all of them hundreds of megabytes.
    assert.ok(rss < 80, `the process grew by ${rss} MB`)
    assert.ok(heap < 5, `the heap grew by ${heap} MB`)
    if (process.env.CROSSGATE_LONG)
      console.log(`# memory after ${POLICIES} policies: ${out.trim()}`)
  }
)

test('large policies are given back in time', () => {
  const out = run(`
    const { Policy } = require(process.argv[1])
    const rss = () => process.memoryUsage().rss / 1e6
    const origins = Array.from({ length: 20000 }, (_, i) => 'https://h' + i + '.example.com')
    const text = JSON.stringify({ allow_origins: origins })
    ;(async () => {
      Policy.fromJson(text)
      const before = rss()
      let peak = 0
      for (let i = 0; i < 300; i++) {
        Policy.fromJson(text)
        await new Promise(setImmediate)
        peak = Math.max(peak, rss())
      }
      console.log(peak - before)
    })()`)
  // Measured: 25 MB, and 150 MB if the garbage collector does not know what hangs on the small
  // objects that it sees.
  assert.ok(Number(out) < 80, `grew by ${out} MB`)
})

test('every context has a package of its own', () => {
  const out = run(`
    const vm = require('node:vm')
    const { readFileSync } = require('node:fs')
    const { createRequire } = require('node:module')
    const load = context => {
      const modules = new Map()
      const requireFrom = from => name => {
        if (name.startsWith('node:')) return require(name)
        const file = createRequire(from).resolve(name)
        if (file.endsWith('.node')) return require(file)
        if (!modules.has(file)) {
          const module = { exports: {} }
          modules.set(file, module)
          const head = '(function (module, exports, require, __dirname) {'
          const run = vm.runInContext(head + readFileSync(file, 'utf8') + '})', context)
          run(module, module.exports, requireFrom(file), require('node:path').dirname(file))
        }
        return modules.get(file).exports
      }
      return requireFrom(process.argv[1])(process.argv[1])
    }
    const globals = { process, Buffer, URL, console }
    const said = []
    for (let i = 0; i < 3; i++) {
      const context = vm.createContext({ ...globals })
      const { Policy, cors } = load(context)
      // Options of another context are plain objects all the same.
      const headers = { origin: 'https://a.example' }
      const reason = policy => policy.evaluate('GET', headers).reason
      said.push(reason(new Policy({ allowOrigins: ['https://a.example'] })))
      said.push(reason(cors({ origin: [/https:\\/\\/a\\.example/] }).policy))
      const refused = \`(Policy => {
        try {
          new Policy({})
        } catch (error) {
          return error instanceof Error && error.problems[0].code
        }
      })\`
      said.push(vm.runInContext(refused, context)(Policy))
    }
    console.log(said.join())`)
  assert.equal(out.trim(), Array(3).fill('allowed,allowed,origins_empty').join())
})
