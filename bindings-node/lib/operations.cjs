'use strict'
// An answer's operations on a list of header pairs: set, merge, remove.

const native = require('./native.cjs')

const MERGES = { __proto__: null, vary: native.mergeVary, 'access-control-expose-headers': native.mergeNames }

// The last merge of each kind: what an application says of Vary is mostly the same, response after response.
const last = { __proto__: null, vary: ['', '', ''], 'access-control-expose-headers': ['', '', ''] }

/** What the response says (a value, or a list of them) and the policy's names as one value. The rule is the engine's. */
function merge(name, existing, added) {
  if (typeof existing !== 'string') return MERGES[name](Array.isArray(existing) ? existing.map(String) : [String(existing)], added)
  const known = last[name]
  if (known[0] === existing && known[1] === added) return known[2]
  const merged = MERGES[name]([existing], added)
  last[name] = [existing, added, merged]
  return merged
}

/**
 * The pairs `[[name, value], …]` with the answer applied, as a new array. `report(name, value)` is called for all that
 * the response said of CORS and does not say any more.
 */
function applyToPairs(answer, pairs, report = () => {}) {
  let result = pairs.map(([name, value]) => [name, value])
  const has = wanted => result.some(([name]) => String(name).toLowerCase() === wanted)
  const take = wanted => {
    const taken = []
    result = result.filter(([name, value]) => String(name).toLowerCase() !== wanted || (taken.push(value), false))
    return taken.flat().map(String)
  }
  const mergeInto = (name, value) => {
    if (value === null) return
    const before = take(name)
    result.push([name, before.length === 0 ? value : merge(name, before, value)])
  }
  if (answer.keepsUpstream && has('access-control-allow-origin')) {
    mergeInto('vary', answer.vary)
    return result
  }
  for (const name of answer.remove) take(name).forEach(value => report(name, value))
  for (let i = 0; i < answer.set.length; i += 2) {
    const [name, value] = [answer.set[i], answer.set[i + 1]]
    take(name).filter(before => before !== value).forEach(before => report(name, before))
    result.push([name, value])
  }
  mergeInto('access-control-expose-headers', answer.expose)
  mergeInto('vary', answer.vary)
  return result
}

module.exports = { merge, applyToPairs }
