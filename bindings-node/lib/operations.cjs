'use strict'

/**
 * What a response says in a list header, and the policy's names, as one value: each name once whatever its case, the
 * response's own first. In `Vary` a `*` says it all and stays alone; in `Access-Control-Expose-Headers` it is a name.
 */
function merge(name, existing, added) {
  const names = []
  const known = new Set()
  for (const part of `${Array.isArray(existing) ? existing.join(',') : existing},${added}`.split(',')) {
    const field = part.trim()
    if (name === 'vary' && field === '*') return '*'
    const key = field.toLowerCase()
    if (field === '' || known.has(key)) continue
    known.add(key)
    names.push(field)
  }
  return names.join(', ')
}

module.exports = { merge }
