'use strict'
// The response headers that an answer may set, merge or remove.

const { tables } = require('./native.cjs')

const OWN = new Set(tables().responseHeaders)

/**
 * Whether a name, in any case, may be one of them: true for these and for hardly any other, and
 * cheap to ask.
 */
function mayBeOwn(name) {
  if (typeof name !== 'string') return true
  const { length } = name
  // `vary`, or what begins like `access-control-…`.
  return length === 4
    ? (name.charCodeAt(0) | 32) === 118
    : length > 21 && (name.charCodeAt(0) | 32) === 97 && name.charCodeAt(6) === 45
}

/** Whether a name, in any case, is one of them. */
const isOwn = name => mayBeOwn(name) && OWN.has(String(name).toLowerCase())

module.exports = { OWN, isOwn, mayBeOwn }
