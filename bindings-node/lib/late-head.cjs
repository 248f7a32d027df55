'use strict'
// For frameworks that write a response's head themselves, in one place: the answer is added there and then, to what the
// framework writes. Setting headers ahead, for handlers to see, would cost several times as much.

const { ServerResponse } = require('node:http')
const { LATE, STATE, applyToResponse, setAll } = require('./node-response.cjs')
const { mayBeOwn } = require('./own-headers.cjs')

/** Gives the answer to a response whose head is still to be written; the last one that is given counts. */
function applyAtHead(res, answer) {
  const { writeHead } = res
  // What others put in its place, and HTTP/2, take the way that suits all.
  if (writeHead === ServerResponse.prototype.writeHead || writeHead[LATE] === true) res.writeHead = answer.writeHead ??= makeWriter(answer)
  else applyToResponse(res, answer)
}

/** What takes the place of a response's writeHead, which it calls in the end. */
function makeWriter(answer) {
  const { headers } = answer

  function writeHead(status, reason, more) {
    const original = ServerResponse.prototype.writeHead
    if (more === undefined && status >= 200) {
      const names = this.getHeaderNames()
      if (reason === undefined) {
        if (!hasOwn(names) && !this.headersSent) {
          setAll(this, headers)
          return original.call(this, status)
        }
      } else if (names.length === 0 && typeof reason === 'object' && reason !== null) {
        const list = together(reason, headers)
        if (list !== null) return original.call(this, status, list)
      }
    }
    // What the application says of CORS or Vary itself, and the forms that frameworks do not use.
    this.writeHead = original
    // Unless another answer came later, through somebody's own writeHead that has called this one.
    if (this[STATE] === undefined) applyToResponse(this, answer)
    return more === undefined ? (reason === undefined ? this.writeHead(status) : this.writeHead(status, reason)) : this.writeHead(status, reason, more)
  }

  writeHead[LATE] = true
  return writeHead
}

function hasOwn(names) {
  for (let i = 0; i < names.length; i += 1) if (mayBeOwn(names[i])) return true
  return false
}

/** A head and the answer's headers as one list; null if the two have to be reconciled, or the head is a list. */
function together(head, headers) {
  if (Array.isArray(head)) return null
  const list = []
  for (const name in head) {
    if (!Object.hasOwn(head, name)) continue
    if (mayBeOwn(name)) return null
    list.push(name, head[name])
  }
  for (let i = 0; i < headers.length; i += 1) list.push(headers[i])
  return list
}

module.exports = { applyAtHead }
