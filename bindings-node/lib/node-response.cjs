'use strict'
// Gives an answer to a response of Node's http or http2: when its head is written, so that whatever the handler, its
// framework or an error page has set by then is merged or replaced.

const { merge: mergeNames } = require('./operations.cjs')

const ANSWER = Symbol('crossgate.answer')
const WRITE_HEAD = Symbol('crossgate.writeHead')

/** Every response header that is written from now on carries the answer. */
function applyToResponse(res, answer) {
  res[ANSWER] = answer
  if (res[WRITE_HEAD] === undefined) {
    res[WRITE_HEAD] = res.writeHead
    res.writeHead = writeHead
  }
}

function writeHead(statusCode, reason, headers) {
  const original = this[WRITE_HEAD]
  if (statusCode < 200) return original.call(this, statusCode, reason, headers)
  if (typeof reason !== 'string') {
    headers ??= reason
    reason = undefined
  }
  const merged = merge(this, this[ANSWER], headers)
  return reason === undefined ? original.call(this, statusCode, merged) : original.call(this, statusCode, reason, merged)
}

/** The head that the caller gives, and what is set on the response, with the answer. */
function merge(res, answer, given) {
  const merged = {}
  const put = (name, value) => {
    const key = name.toLowerCase()
    if (key !== 'vary' && !key.startsWith('access-control-')) merged[name] = value
    else own[key] = key in own && given === undefined ? `${own[key]}, ${value}` : value
  }
  const own = {}
  for (const name of res.getHeaderNames()) {
    if (name === 'vary' || name.startsWith('access-control-')) own[name] = res.getHeader(name)
  }
  if (Array.isArray(given)) {
    if (Array.isArray(given[0])) for (const [name, value] of given) put(name, value)
    else for (let i = 0; i < given.length; i += 2) put(given[i], given[i + 1])
  } else if (given) for (const name of Object.keys(given)) put(name, given[name])
  for (const name of Object.keys(own)) res.removeHeader(name)

  const keeps = answer.keepsUpstream && own['access-control-allow-origin'] !== undefined
  if (!keeps) {
    for (const name of answer.remove) delete own[name]
    for (let i = 0; i < answer.set.length; i += 2) own[answer.set[i]] = answer.set[i + 1]
    if (answer.expose !== null) own['access-control-expose-headers'] = own['access-control-expose-headers'] === undefined ? answer.expose : mergeNames('access-control-expose-headers', own['access-control-expose-headers'], answer.expose)
  }
  if (answer.vary !== null) own.vary = own.vary === undefined ? answer.vary : mergeNames('vary', own.vary, answer.vary)
  return Object.assign(merged, own)
}

/** The flat head of an answer without a body. */
function flat(answer) {
  const head = [...answer.set]
  if (answer.vary !== null) head.push('vary', answer.vary)
  return head
}

function end(res, status, head) {
  if (status !== 204) head.push('content-length', '0')
  res.writeHead(status, head)
  res.end()
}

/** Answers a preflight. */
function endPreflight(res, answer) {
  end(res, answer.status, flat(answer))
}

/** Answers a request that the policy rejects. */
function rejectActual(res, answer) {
  end(res, answer.status ?? 403, flat(answer))
}

module.exports = { applyToResponse, endPreflight, rejectActual }
