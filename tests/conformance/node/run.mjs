// Runs the shared vectors through the Node binding: `node run.mjs DIRECTORY` (tests/vectors). Exits
// 1 on any failure. What the files hold stands in tests/vectors/README.md.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Policy, PolicyError } from '../../../bindings-node/index.mjs'

const show = value => JSON.stringify(value)

/**
 * The policy with its warnings and notes, or the problems that stopped it. Anything but a
 * PolicyError is a bug and goes on up.
 */
function build(make) {
  try {
    const policy = make()
    return { policy, problems: [...policy.warnings, ...policy.notes] }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return { policy: null, problems: error.problems }
  }
}

function* differences({ hitRegexStepLimit, ...actual }, expected) {
  // No vector says it, and no other language shows it among these.
  if (typeof hitRegexStepLimit !== 'boolean') yield 'hitRegexStepLimit is no boolean'
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    if (!isDeepStrictEqual(actual[key], expected[key]))
      yield `${key} is ${show(actual[key])}, not ${show(expected[key])}`
  }
}

function* decision({
  policy: document,
  request: { method, headers, verdict },
  decision: expected
}) {
  const policy = new Policy(document)
  for (const [shape, given] of [
    ['pairs', headers],
    ['rawHeaders', headers.flat()]
  ]) {
    for (const difference of differences({ ...policy.evaluate(method, given, verdict) }, expected))
      yield `${shape}: ${difference}`
  }
}

const SEVERITIES = { error: 'error', warn: 'warning', note: 'note' }

/** The worst that was found: `error`, `warn`, `note` or `ok`. */
function worst({ policy, problems }) {
  const has = severity => problems.some(problem => problem.severity === severity)
  if (policy === null) return 'error'
  return has('warning') ? 'warn' : has('note') ? 'note' : 'ok'
}

/** `ok`, `note`, `warn` or `error` with a code, and perhaps its path and hint. */
function* outcome(built, { expect, code, or = [], path, hint }) {
  const { problems } = built
  if (worst(built) !== expect) yield `expected ${expect}, got ${worst(built)} and ${show(problems)}`
  if (!code) return
  const severity = SEVERITIES[expect]
  const found = problems.filter(
    problem => [code, ...or].includes(problem.code) && problem.severity === severity
  )
  if (found.length === 0) yield `no ${severity} ${code} among ${show(problems)}`
  else if (
    !found.some(
      problem =>
        (path === undefined || problem.path === path) &&
        (hint === undefined || problem.hint === hint)
    )
  ) {
    yield `${code} with path ${path} and hint ${hint} expected, got ${show(found)}`
  }
}

function* config(vector) {
  const built = build(() => new Policy(vector.policy))
  yield* outcome(built, vector)
  if (!built.policy) return
  const document = built.policy.document()
  for (const [key, value] of Object.entries(vector.document ?? {})) {
    if (!isDeepStrictEqual(document[key], value))
      yield `${key} of the document is ${show(document[key])}, not ${show(value)}`
  }
  if (!new Policy(document).equals(built.policy)) yield 'a policy of the document is not equal'
}

function* text(vector) {
  yield* outcome(
    build(() =>
      vector.format === 'json' ? Policy.fromJson(vector.text) : Policy.fromToml(vector.text)
    ),
    vector
  )
}

function* response({ policy, request: { method, headers }, response: lines, expect, overwrote }) {
  const overwritten = []
  const decision = new Policy(policy).evaluate(method, headers)
  const says = decision
    .apply(lines, (name, value) => overwritten.push([name, value]))
    .sort(([one], [other]) => (one < other ? -1 : Number(one > other)))
  if (!isDeepStrictEqual(says, expect)) yield `${show(says)}, not ${show(expect)}`
  if (overwritten.length > 0 !== overwrote) yield `overwrote ${show(overwritten)}, not ${overwrote}`
}

function* webSocket({ policy, origin_lines, public: isPublic, verdict, expect }) {
  const actual = new Policy(policy).checkWebSocket(origin_lines, { public: isPublic, verdict })
  if (actual !== expect) yield `${actual}, not ${expect}`
}

function* origin({ policy: document, origin_lines, expect, acao, linear }) {
  const { policy } = build(() => new Policy(document))
  const headers = origin_lines.map(line => ['Origin', line])
  const value = policy
    ?.evaluate('GET', headers)
    .headers.find(([name]) => name === 'access-control-allow-origin')?.[1]
  const actual = value === undefined ? 'deny' : 'allow'
  if (actual !== expect) yield `${actual} (${show(value)}), not ${expect}`
  if (acao !== undefined && value !== acao)
    yield `access-control-allow-origin is ${show(value)}, not ${show(acao)}`
  if (linear && policy) yield* linearly(policy, origin_lines[0])
}

/**
 * Once with an Origin 32 times as long takes about as long as 32 times with this one; something
 * quadratic takes 32 times as long. What is exponential never ends. In CPU time of this process.
 */
function* linearly(policy, line) {
  const cost = times => {
    const half = line.length >> 1
    // More of the character in its middle, which is what these vectors are full of.
    const more = line[half].repeat(line.length * (times - 1))
    const headers = [['Origin', line.slice(0, half) + more + line.slice(half)]]
    const rounds = [0, 1, 2].map(() => {
      const start = process.cpuUsage()
      for (let i = 0; i < 32 / times; i += 1) policy.evaluate('GET', headers)
      const { user, system } = process.cpuUsage(start)
      return user + system
    })
    return Math.min(...rounds)
  }
  const [short, long] = [cost(1), cost(32)]
  if (long > 8 * Math.max(short, 1000)) yield `${short} us in 32 parts, ${long} us in one`
}

function* regex({ dialect, regexes, flags, expect, code, allow, deny, step_limit: limited = [] }) {
  if (dialect === 'python') return
  const allowOriginRegexes =
    dialect === 'rust' ? regexes : regexes.map(source => new RegExp(source, flags))
  const built = build(() => new Policy({ allowOriginRegexes }))
  yield* outcome(built, { expect, code })
  if (!built.policy) return
  for (const origin of [...allow, ...deny]) {
    const { allowed, hitRegexStepLimit } = built.policy.evaluate('GET', { origin })
    if (allowed !== allow.includes(origin)) yield `${origin}: ${allowed}`
    if (hitRegexStepLimit !== limited.includes(origin)) yield `${origin}: steps`
  }
}

const FILES = {
  'decisions.jsonl': decision,
  'configs.jsonl': config,
  'documents.jsonl': text,
  'websocket.jsonl': webSocket,
  'responses.jsonl': response,
  'regexes.jsonl': regex,
  'contract/origins.jsonl': origin,
  'contract/configs.jsonl': config,
  'contract/lint.jsonl': config
}

function run(directory) {
  let failures = 0
  for (const [file, check] of Object.entries(FILES)) {
    let passed = 0
    let failed = 0
    const fail = (id, what) => {
      failed += 1
      console.log(`node: ${file} ${id}: ${what}`)
    }
    for (const vector of read(join(directory, file), error => fail('-', error.message))) {
      let found
      try {
        found = [...check(vector)]
      } catch (error) {
        found = [`threw ${error.stack}`]
      }
      if (found.length === 0) passed += 1
      else fail(vector.id, found.join('; '))
    }
    if (passed + failed === 0) fail('-', 'holds no vector')
    console.log(`node: ${file} ${passed} passed, ${failed} failed`)
    failures += failed
  }
  return failures
}

function read(path, onError) {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter(line => line.trim())
      .map(line => JSON.parse(line))
  } catch (error) {
    onError(error)
    return []
  }
}

const [directory] = process.argv.slice(2)
if (!directory) {
  console.error('usage: node run.mjs DIRECTORY')
  process.exit(2)
}
process.exitCode = run(directory) === 0 ? 0 : 1
