'use strict'

/**
 * Merges field names into a list header: each once whatever its case, the response's own first. In `Vary` a `*` says
 * it all and stays alone; in `Access-Control-Expose-Headers` it is a name (`anyAlone` false).
 */
function mergeList(existing, added, anyAlone) {
  if (existing === undefined || existing === null || existing === '') return added
  if (existing === added) return added
  const names = []
  const known = new Set()
  for (const part of `${Array.isArray(existing) ? existing.join(',') : existing},${added}`.split(',')) {
    const name = part.trim()
    if (anyAlone && name === '*') return '*'
    const key = name.toLowerCase()
    if (name === '' || known.has(key)) continue
    known.add(key)
    names.push(name)
  }
  return names.join(', ')
}

module.exports = { mergeList }
