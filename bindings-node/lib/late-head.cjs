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
  const { headers: block } = answer

  function writeHead(status, reason, headers) {
    const original = ServerResponse.prototype.writeHead
    if (headers === undefined && status >= 200 && !this.headersSent) {
      const names = this.getHeaderNames()
      if (reason === undefined) {
        if (!names.some(mayConflict)) {
          setAll(this, block)
          return original.call(this, status)
        }
      } else if (typeof reason === 'object' && reason !== null && names.length === 0 && !Array.isArray(reason)) {
        const head = together(reason, block)
        if (head !== null) return original.call(this, status, head)
      }
    }
    // What the application says of CORS or Vary itself, and the forms that frameworks do not use.
    this.writeHead = original
    applyToResponse(this, answer)
    return headers === undefined ? (reason === undefined ? this.writeHead(status) : this.writeHead(status, reason)) : this.writeHead(status, reason, headers)
  }

  writeHead.isOfAnswer = true
  return writeHead
}

function setAll(res, block) {
  for (let i = 0; i < block.length; i += 2) res.setHeader(block[i], block[i + 1])
}

/** A flat list of a head and the answer's headers; null if the two have to be reconciled. */
function together(head, block) {
  const list = []
  for (const name of Object.keys(head)) {
    if (mayConflict(name)) return null
    const value = head[name]
    if (typeof value === 'object') return null
    list.push(name, value)
  }
  for (let i = 0; i < block.length; i += 1) list.push(block[i])
  return list
}

module.exports = { applyAtHead }
