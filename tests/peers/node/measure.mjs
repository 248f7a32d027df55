// What both benchmarks of this folder measure with: interleaved rounds of CPU time in one process,
// net of the bare handler, but at least what that wavers by.
import { mkdirSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 60)
const ROUND_NS = 3e6
const WARM_UP = 30

/** CPU nanoseconds a call. Calls that give a promise are waited for. */
async function time(call, calls) {
  const from = process.cpuUsage()
  for (let i = 0; i < calls; i += 1) {
    const promise = call()
    if (promise !== undefined) await promise
  }
  const { user, system } = process.cpuUsage(from)
  return ((user + system) * 1000) / calls
}

/** As many calls as make a round. */
async function calibrate(call) {
  const each = await time(call, 20)
  return Math.max(5, Math.min(10_000, Math.round(ROUND_NS / Math.max(each, 1))))
}

/**
 * `contenders`: `bare`, `ours` and, unless ours is alone, `peer`, each a function that answers one
 * request; `floor`, where there is one, writes the lines of ours with Node's public functions and
 * does nothing else. Gives nanoseconds a request: `{ bare, spread, ours, peer, floor, ratio }`, all
 * but the first two net.
 */
export async function measure(contenders) {
  const sides = []
  for (const [name, call] of Object.entries(contenders))
    sides.push({ name, call, calls: 0, times: [] })
  // Turn by turn here too, so that all are compiled for a process in which the others run.
  for (let i = 0; i < WARM_UP; i += 1) {
    for (const side of sides) {
      side.calls = await calibrate(side.call)
      await time(side.call, side.calls)
      await setImmediate()
    }
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    // A contender that always came first would find the caches of another.
    for (let i = 0; i < sides.length; i += 1) {
      const { call, calls, times } = sides[(round + i) % sides.length]
      // What the last round left to do later is nobody's cost.
      await setImmediate()
      times.push(await time(call, calls))
    }
  }
  const sorted = Object.fromEntries(
    sides.map(({ name, times }) => [name, times.sort((a, b) => a - b)])
  )
  // The least is the undisturbed one; how far the tenth of the rounds that come nearest to it are
  // off is its spread.
  const bare = sorted.bare[0]
  const spread = sorted.bare[Math.floor(ROUNDS / 10)] - bare
  const net = name =>
    sorted[name] === undefined ? null : Math.max(sorted[name][0] - bare, spread, 1)
  const [ours, peer, floor] = [net('ours'), net('peer'), net('floor')]
  return { bare, spread, ours, peer, floor, ratio: peer === null ? null : peer / ours }
}

const number = value => (value === null ? '' : Math.round(value).toLocaleString('en')).padStart(11)

const COLUMNS = ['bare', '(spread)', 'peer adds', 'ours adds', 'floor']
const WIDE = COLUMNS.map(name => name.padStart(11)).join('')
export const HEADING = `${WIDE}${'ratio'.padStart(9)}  goal`

/** One line of the table: a measured cell beside its goal, null where there is none. */
export function line({ bare, spread, peer, ours, floor, ratio }, goal) {
  const verdict =
    goal === null || ratio === null
      ? ''
      : `>= ${goal}: ${ratio >= goal ? 'met' : ratio >= goal * 0.85 ? 'within 15 %' : 'missed'}`
  const shown = (ratio === null ? '' : ratio.toFixed(1)).padStart(9)
  return `${[bare, spread, peer, ours, floor].map(number).join('')}${shown}  ${verdict}`.trimEnd()
}

/** Writes build/bench-NAME.json. */
export function save(name, cells) {
  const build = new URL('../../../build/', import.meta.url)
  mkdirSync(build, { recursive: true })
  writeFileSync(
    new URL(`bench-${name}.json`, build),
    `${JSON.stringify({ node: process.version, rounds: ROUNDS, cells }, null, 2)}\n`
  )
}
