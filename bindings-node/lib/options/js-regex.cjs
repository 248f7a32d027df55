'use strict'
// Regular expressions of JavaScript as the engine's: matched against the whole origin, in linear
// time.

// What both languages read alike. Look-around, back references, named and Unicode classes, classes
// in classes and odd escapes are not among it.
const ALIKE = new RegExp(
  [
    String.raw`[\w:/<>=!@#%&;'",~${'`'} -]`, // literals
    String.raw`\\[dDwW./:+*?()|{}^$\-[\]\\]`, // classes, escaped literals
    String.raw`\[\^?(?:[\w:/.*+?(){}|$@#%;'" -]|\\[dw./:+*?()|{}^$\-[\]\\])+\]`, // sets
    String.raw`\((?:\?:|(?!\?))`,
    String.raw`\)`,
    '[|^$.*+?]',
    String.raw`\{\d+(?:,\d*)?\}`
  ]
    .map(part => `(?:${part})`)
    .join('|'),
  'y'
)

/** Whether the engine's syntax means the same by this source. */
function isAlike(source) {
  ALIKE.lastIndex = 0
  while (ALIKE.lastIndex < source.length) if (!ALIKE.test(source)) return false
  return true
}

/**
 * The engine's text for a RegExp, or null if it has none. The flags g and y are for searching, not
 * for matching.
 */
function toEngine({ source, flags }) {
  if (/[^dgimsuy]/.test(flags) || !isAlike(source)) return null
  const set = [...flags].filter(flag => 'is'.includes(flag)).join('')
  return set === '' ? source : `(?${set}:${source})`
}

/**
 * A function that matches whole origins with JavaScript's own engine, which may take long for some
 * expressions.
 */
function toFunction({ source, flags }) {
  const whole = new RegExp(`^(?:${source})$`, flags.replace(/[dgmy]/g, ''))
  return origin => whole.test(origin)
}

/** Nothing in it can match the `:` of an origin, so no whole origin matches. */
function matchesNoOrigin({ source }) {
  const plain = source.replace(/\\[dw./\-^$]/g, '')
  return !/[:.[\\]/.test(plain)
}

module.exports = { toEngine, toFunction, matchesNoOrigin }
