'use strict'
// A RegExp for origins. It matches the whole origin; `g` and `y`, which make a RegExp remember, are ignored.

const { Policy, PolicyError } = require('../policy.cjs')

// What means the same in the engine's regexes: literals, `.`, anchors, groups without flags or look-around, classes
// without the engine's set operations, and the escapes below. The rest stays with JavaScript.
const ESCAPE = String.raw`\\(?:[dDwWsSbB]|[^A-Za-z0-9<>])`
const CLASS = String.raw`\[\^?(?:${ESCAPE}|[^\\\[\]&~-]|-(?!-))+\]`
const SHARED = new RegExp(String.raw`^(?:${ESCAPE}|${CLASS}|\((?:\?:|\?<\w+>|(?!\?))|[^\\\[(])*$`)

/** The engine's spelling of it, or null if the engine has none. */
function originRegex(regex) {
  const { source, flags } = regex
  if (/[uv]/.test(flags) || !SHARED.test(source)) return null
  const spelled = flags.includes('i') ? `(?i:${source})` : source
  try {
    new Policy({ allowOriginRegexes: [spelled] })
    return spelled
  } catch (error) {
    const isSyntax = error instanceof PolicyError && error.problems.some(problem => problem.code === 'regex_invalid')
    // Any other problem is one to report.
    return isSyntax ? null : spelled
  }
}

/** A test of the whole origin. */
function wholeMatch(regex) {
  const whole = new RegExp(`^(?:${regex.source})$`, regex.flags.replace(/[gy]/g, ''))
  return origin => whole.test(origin)
}

module.exports = { originRegex, wholeMatch }
