'use strict'
// For frameworks that write a response's head themselves, in one place: the answer is added there and then, to what the
// framework writes. Setting headers ahead, for handlers to see, would cost several times as much.

const { ServerResponse } = require('node:http')
const { applyToResponse } = require('./node-response.cjs')

/** Whether it may be a header that an answer replaces, merges or removes. */
const mayConflict = name => {
  const { length } = name
  // Names come in any case: `vary` has four letters, and the others begin like `access-control-allow-origin`.
  return length === 4 ? (name.charCodeAt(0) | 32) === 118 : length > 20 && (name.charCodeAt(0) | 32) === 97 && name.charCodeAt(6) === 45
}

// One function for each answer, and the last one asked for: answers are few, and one follows its like.
const writers = new WeakMap()
let lastAnswer = null
let lastWriter = null

/** Gives the answer to a response whose head is still to be written; the last one that is given counts. */
function applyAtHead(res, answer) {
  const { writeHead } = res
  // What others put in its place, and HTTP/2, take the way that suits all.
  if (writeHead !== ServerResponse.prototype.writeHead && writeHead.isOfAnswer !== true) {
    applyToResponse(res, answer)
    return
  }
  if (answer !== lastAnswer) {
    lastWriter = writers.get(answer)
    if (lastWriter === undefined) writers.set(answer, (lastWriter = makeWriter(answer)))
    lastAnswer = answer
  }
  res.writeHead = lastWriter
}

/** What takes the place of a response's writeHead, which it calls in the end. */
function makeWriter(answer) {
  const { headers } = answer

  function writeHead(status, reason, more) {
    const original = ServerResponse.prototype.writeHead
    if (more === undefined && status >= 200) {
      const names = this.getHeaderNames()
      if (reason === undefined) {
        if (!hasConflict(names) && !this.headersSent) {
          for (let i = 0; i < headers.length; i += 2) this.setHeader(headers[i], headers[i + 1])
          return original.call(this, status)
        }
      } else if (names.length === 0 && typeof reason === 'object' && reason !== null) {
        const head = together(reason, answer)
        if (head !== null) return original.call(this, status, head)
      }
    }
    // What the application says of CORS or Vary itself, and the forms that frameworks do not use.
    this.writeHead = original
    applyToResponse(this, answer)
    return more === undefined ? (reason === undefined ? this.writeHead(status) : this.writeHead(status, reason)) : this.writeHead(status, reason, more)
  }

  writeHead.isOfAnswer = true
  return writeHead
}

function hasConflict(names) {
  for (let i = 0; i < names.length; i += 1) if (mayConflict(names[i])) return true
  return false
}

/** A head and the answer's headers, as writeHead takes them; null if the two have to be reconciled, or the head is no plain object. */
function together(head, { headers, head: own }) {
  if (Array.isArray(head)) return null
  const list = []
  for (const name in head) {
    const value = head[name]
    if (typeof value === 'object' || mayConflict(name)) return null
    list.push(name, value)
  }
  if (list.length === 0) return own
  for (let i = 0; i < headers.length; i += 1) list.push(headers[i])
  return list
}

module.exports = { applyAtHead }
