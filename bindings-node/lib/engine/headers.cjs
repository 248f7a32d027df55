'use strict'
// Picks the request headers that the engine reads out of whatever shape a server has them in.

const { tables } = require('./native.cjs')

const { requestHeaders } = tables()
// Their lengths tell the names apart, so most headers of a request cost one look into this table.
const byLength = []
requestHeaders.forEach((name, field) => {
  // Without the `u` flag, `i` folds ASCII only.
  byLength[name.length] = { name, field, anyCase: new RegExp(`^${name}$`, 'i') }
})

// A character that Latin-1 does not have: the engine takes the value for malformed.
const MALFORMED = '\uffff'

const isBytes = value => ArrayBuffer.isView(value)
const latin1 = bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).latin1Slice()

/** A string, or bytes as Latin-1. */
function text(value, what) {
  if (typeof value === 'string') return value
  if (isBytes(value)) return latin1(value)
  throw new TypeError(`${what} is a string or bytes, not ${value === null ? 'null' : typeof value}`)
}

/** Calls `each` with every line that a value stands for. Values come from outside: none throws. */
function eachLine(value, each) {
  if (typeof value === 'string') each(value)
  else if (value === undefined || value === null) return
  else if (isBytes(value)) each(latin1(value))
  else if (Array.isArray(value))
    for (const line of value)
      each(typeof line === 'string' ? line : isBytes(line) ? latin1(line) : MALFORMED)
  else each(MALFORMED)
}

function take(fields, name, value) {
  const known = byLength[name.length]
  if (known === undefined || (name !== known.name && !known.anyCase.test(name))) return
  const { field } = known
  eachLine(value, line => {
    const before = fields[field]
    if (before === undefined) fields[field] = line
    else if (typeof before === 'string') fields[field] = [before, line]
    else before.push(line)
  })
}

/**
 * The fields that CORS reads, in the engine's order: undefined, a line, or an array of lines.
 * `headers` is an array (or any iterable, like `Headers`) of pairs, a flat array like
 * `req.rawHeaders`, or an object like `req.headers`.
 */
function collect(headers) {
  const fields = requestHeaders.map(() => undefined)
  if (headers === null || typeof headers !== 'object') {
    throw new TypeError(
      'headers are pairs, a flat array of names and values, an object, or a Headers'
    )
  }
  let list = headers
  if (!Array.isArray(list)) {
    if (typeof list[Symbol.iterator] !== 'function') {
      for (const name of Object.keys(headers)) take(fields, name, headers[name])
      return fields
    }
    list = Array.from(list)
  }
  if (Array.isArray(list[0])) {
    for (const pair of list) {
      if (!Array.isArray(pair)) throw new TypeError('headers mix pairs with something else')
      take(fields, text(pair[0], 'a header name'), pair[1])
    }
  } else {
    for (let i = 0; i < list.length; i += 2)
      take(fields, text(list[i], 'a header name'), list[i + 1])
  }
  return fields
}

/** The lines of one header. */
function lines(value) {
  const all = []
  eachLine(value, line => all.push(line))
  return all
}

module.exports = { collect, lines, text }
