'use strict'
// Reads the engine's encoded decisions. src/encode.rs writes them, and says what they look like.

const { tables } = require('./native.cjs')

const { flags: FLAGS, kinds, reasons, actions, responseHeaders } = tables()

const ALLOWED = { t: true, f: false, n: null }
const OPEN = 63 // '?'
const index = (encoded, at) => (encoded.charCodeAt(at) & 31) - 1

/** The flags of an encoded decision: bits of `FLAGS`. */
const flagsOf = encoded => (encoded.charCodeAt(0) & 31) | ((encoded.charCodeAt(1) & 31) << 5)

// What the heads say. There are few heads: policies make them, requests only choose.
const heads = new Map()

function readHead(head) {
  let read = heads.get(head)
  if (read === undefined) {
    read = {
      keepsUpstream: head[0] === 'k' || head[0] === 'b',
      hitRegexStepLimit: head[0] === 's' || head[0] === 'b',
      kind: kinds[index(head, 1)],
      reason: reasons[index(head, 2)],
      action: actions[index(head, 3)],
      allowed: ALLOWED[head[4]],
      status: Number(head.slice(5, 8)) || null,
      remove: Object.freeze(Array.from(head.slice(8), letter => responseHeaders[index(letter, 0)]))
    }
    heads.set(head, read)
  }
  return read
}

/** `{ head, headers }`: what is decided, and the headers as name, value, name, value, … */
function decode(encoded) {
  const lines = encoded.split('\n')
  const headers = []
  for (let i = 1; i < lines.length; i += 1)
    headers.push(responseHeaders[index(lines[i], 0)], lines[i].slice(1))
  return { head: readHead(lines[0].slice(2)), headers }
}

/** Whether the application has to judge the origin before there is a decision. */
const isOpen = encoded => encoded.charCodeAt(0) === OPEN

/** The parts of such an evaluation: the origin, and both encoded decisions. */
function decodeOpen(encoded) {
  const [origin, allowed, denied] = encoded.slice(1).split('\0')
  return { origin, allowed, denied }
}

module.exports = { FLAGS, decode, decodeOpen, flagsOf, isOpen }
