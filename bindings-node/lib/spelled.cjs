'use strict'
// Reads the engine's spelled decisions (their grammar stands at `spell` in src/evaluate.rs).

const { alphabet } = require('./native.cjs')

const { kinds, reasons, actions, responseHeaders } = alphabet()
const ALLOWED = { t: true, f: false, n: null }
const OWN_TEXT = 112 // 'p'
const FOREIGN_ORIGIN = 114 // 'r'
const index = (spelled, at) => (spelled.charCodeAt(at) & 31) - 1 // a and A are 0

/**
 * Whether the answer holds nothing of the request, so that as many of its like exist as the policy
 * has entries.
 */
const isPolicyOwned = spelled => spelled.charCodeAt(0) === OWN_TEXT

/** Whether the origin that the answer names is an entry of the policy. */
const isOriginOwned = spelled => spelled.charCodeAt(0) !== FOREIGN_ORIGIN

// A line whose letter is a capital, except that of the origin.
const REPEATED = new RegExp(
  `\n[A-Z](?<!${String.fromCharCode(65 + responseHeaders.indexOf('access-control-allow-origin'))})`
)

/** Whether the answer holds anything of the request but its origin. */
const repeatsRequested = spelled => REPEATED.test(spelled)

// What the head says, without the request's own. There are few heads: policies make them, requests
// only choose.
const heads = new Map()

function readHead(head) {
  let read = heads.get(head)
  if (read === undefined) {
    read = {
      keepsUpstream: head[1] === 'k',
      kind: kinds[index(head, 2)],
      reason: reasons[index(head, 3)],
      action: actions[index(head, 4)],
      allowed: ALLOWED[head[5]],
      status: Number(head.slice(6, 9)) || null,
      remove: Object.freeze(Array.from(head.slice(9), letter => responseHeaders[index(letter, 0)]))
    }
    heads.set(head, read)
  }
  return read
}

/** `{ head, headers }`: what the head says, and the headers as name, value, name, value, … */
function readSpelled(spelled) {
  const lines = spelled.split('\n')
  const headers = []
  for (let i = 1; i < lines.length; i += 1)
    headers.push(responseHeaders[index(lines[i], 0)], lines[i].slice(1))
  return { head: readHead(lines[0]), headers }
}

module.exports = { readSpelled, isPolicyOwned, isOriginOwned, repeatsRequested }
