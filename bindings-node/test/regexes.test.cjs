'use strict'
// A RegExp is read by JavaScript's rules: each random one has the verdict of JavaScript's engine
// on every origin, or is refused. CROSSGATE_REGEXES=100000 tries more of them.

const test = require('node:test')
const assert = require('node:assert/strict')
const { Counters, Policy, PolicyError, publicSuffixListDate } = require('..')

const COUNT = Number(process.env.CROSSGATE_REGEXES ?? 4000)

/** Numbers that are the same in every run (mulberry32). */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const next = random(20261201)
const pick = list => list[Math.floor(next() * list.length)]
const some = (most, make) => Array.from({ length: Math.floor(next() * (most + 1)) }, make).join('')

const LITERALS = [
  ...'ab01-.:/',
  'https://',
  'a',
  'b',
  '\\.',
  '\\-',
  '\\/',
  '--',
  '}',
  ']',
  ',',
  '&'
]
const ESCAPES = ['\\d', '\\w', '\\s', '\\D', '\\W', '\\S', '.', '\\x61', '\\u0061', '\\u{61}']
const ODD = ['\\a', '\\c', '\\cA', '\\141', '\\8', '\\x6', '\\u6', '{', '{,2}', '\\k', '\\0']
const IN_CLASSES = ['a', 'b', '0-9', 'a-c', '\\d', '\\w', '\\-', '-', '.', '&&', '--', '[', '\\]']
const MORE_IN_CLASSES = ['^', '\\d-a', '\\b', '\\B', '\\c1', '[a]', '[^b]', '\\q{a}']
const OPENERS = ['(', '(?:', '(?<n>', '(?=', '(?!', '(?<=', '(?<!']
const REPEATS = ['*', '+', '?', '{2}', '{1,2}', '{1,}', '*?', '+?', '??', '{,2}', '++']
const FLAGS = ['', '', '', 'i', 'g', 'y', 'm', 's', 'u', 'iu', 'v', 'iv', 'd']

function part(depth) {
  const roll = next()
  let made
  if (roll < 0.45 || depth === 0) made = pick(LITERALS)
  else if (roll < 0.58) made = pick(ESCAPES)
  else if (roll < 0.63) made = pick(ODD)
  else if (roll < 0.77)
    made = `[${pick(['', '^'])}${some(3, () => pick(next() < 0.8 ? IN_CLASSES : MORE_IN_CLASSES))}]`
  else if (roll < 0.92) made = `${pick(OPENERS)}${regex(depth - 1)})`
  else if (roll < 0.97) made = pick(['^', '$', '\\b', '\\B'])
  else made = pick(['\\1', '\\k<n>', '\\2'])
  return next() < 0.25 ? made + pick(REPEATS) : made
}

function regex(depth = 3) {
  const branches = Array.from({ length: pick([1, 1, 1, 2, 3]) }, () => some(4, () => part(depth)))
  return branches.join('|')
}

function origins() {
  const host = () =>
    some(6, () => pick([...'ab01-.']))
      .replace(/^[-.]+|[-.]+$/g, '')
      .replaceAll('..', '.') || 'a'
  const hosts = Array.from({ length: 6 }, host)
  return [...hosts.flatMap((name, i) => [`https://${name}`, `https://${name}:8${i}`]), 'a://b']
}

const allows = (policy, origin) => policy.evaluate('GET', { origin }).allowed

test('the verdict of JavaScript, or refused', { timeout: 600_000 }, () => {
  const gate = new Policy({ allowOrigins: ['a://*'], allowOriginRegexes: ['https://.*'] })
  const refused = new Map()
  let compared = 0
  let matched = 0
  while (compared < COUNT) {
    const text = (next() < 0.6 ? 'https?:\\/\\/' : '') + regex()
    const flags = pick(FLAGS)
    // Only what passes the grammar gate reaches a regex.
    const asked = origins().filter(origin => allows(gate, origin))
    let own
    let whole
    try {
      own = new RegExp(text, flags)
      whole = new RegExp(`^(?:${text})$`, flags.replace(/[dgmy]/g, ''))
    } catch {
      continue
    }
    if (own.source === '(?:)') continue
    // V8 of Node 20 does not match /^https:\/\/[^]+$/v with `https://a0`.
    if (flags.includes('v') && text.includes('[^]')) continue
    compared += 1
    const expected = asked.map(origin => whole.test(origin))
    const shown = `${own}: ${asked}`
    let policy
    try {
      policy = new Policy({ allowOriginRegexes: [own] })
    } catch (error) {
      assert.ok(error instanceof PolicyError, `${shown}: ${error}`)
      const { code, message } = error.problems.find(({ severity }) => severity === 'error')
      if (code === 'regex_never_matches') assert.ok(!expected.includes(true), shown)
      else refused.set(message.slice(0, 60), (refused.get(message.slice(0, 60)) ?? 0) + 1)
      continue
    }
    assert.deepEqual(
      asked.map(origin => allows(policy, origin)),
      expected,
      shown
    )
    const again = new Policy(policy.document())
    assert.deepEqual(
      asked.map(origin => allows(again, origin)),
      expected,
      `document of ${shown}`
    )
    if (expected.includes(true)) matched += 1
  }
  const count = [...refused.values()].reduce((sum, more) => sum + more, 0)
  console.log(`${compared} compared, ${matched} match something, ${count} refused`, refused)
  assert.ok(count < compared / 20, `${count} of ${compared} are refused`)
  assert.ok(matched > compared / 50, `${matched}`)
})

test('no origin takes long', () => {
  for (const regex of [
    /(?=h)https:\/\/([a-z]+)*\.example\.com/,
    /https:\/\/([a-z0-9]+-?)+(?<=-)app\.vercel\.app/
  ]) {
    const policy = new Policy({ allowOriginRegexes: [regex] })
    for (const length of [10, 30, 62])
      assert.equal(allows(policy, `https://${'a'.repeat(length)}-.test`), false)
  }
})

test('the document has the translation', () => {
  const policy = new Policy({ allowOriginRegexes: [/https:\/\/A\.example$/i] })
  assert.deepEqual(policy.document().allow_origin_regexes, ['(?i:https:\\/\\/A\\.example$)'])
  assert.ok(policy.equals(new Policy(policy.document())))
})

test('a regex that runs out of steps is counted', () => {
  const policy = new Policy({ allowOriginRegexes: [/https:\/\/(a|b|ab)*(?=c)/] })
  const counters = new Counters()
  for (const [host, expected] of [
    ['ab', 0],
    ['ab'.repeat(28), 1]
  ]) {
    const decision = policy.evaluate('GET', { origin: `https://${host}` })
    assert.equal(decision.hitRegexStepLimit, expected === 1)
    counters.record(decision)
    assert.equal(counters.regexStepLimit, expected)
  }
  assert.match(counters.toPrometheus(), /\ncrossgate_regex_step_limit_total 1\n/)
})

test('the date of the public-suffix list', () => {
  assert.match(publicSuffixListDate, /^20\d\d-\d\d-\d\d$/)
})
