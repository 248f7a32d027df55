'use strict'

/** A policy was not made; `problems` says why. */
class PolicyError extends Error {
  constructor(message, problems, omitted = 0) {
    super(message)
    this.problems = plainProblems(problems)
    this.omitted = omitted
  }
}
// On the prototype as with Error itself, so that it is not shown as a property.
Object.defineProperty(PolicyError.prototype, 'name', {
  value: 'PolicyError',
  configurable: true,
  writable: true
})

function plainProblems(problems) {
  return Object.freeze(
    problems.map(problem => Object.freeze({ ...problem, hint: problem.hint ?? null }))
  )
}

/** What a value is called in a problem: `object`, `Map`, `number`, … */
function typeName(value) {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  return tag === 'Object' ? 'object' : tag
}

/**
 * A value of a wrong type, or a name that is no option: a problem like those that the engine finds.
 */
function optionProblem(code, path, value, message, hint = null) {
  const shown =
    typeof value === 'string'
      ? value
      : typeof value === 'number' || typeof value === 'boolean'
        ? String(value)
        : typeName(value)
  return {
    severity: 'error',
    code,
    path,
    value: JSON.stringify(shown.slice(0, 200)).slice(1, -1),
    message,
    hint
  }
}

/** One error of several findings, in the words of the engine's own; `omitted` more are counted. */
function policyErrorOf(problems, omitted = 0) {
  const errors = problems.filter(problem => problem.severity === 'error').length
  const lines = problems.map(({ severity, code, path, value, message, hint }) => {
    const where = path === '' ? '' : ` at ${path}`
    const what = value === '' ? '' : ` = ${value}`
    const help = hint === null || hint === undefined ? '' : ` (try: ${hint})`
    return `  ${severity} ${code}${where}${what}: ${message}${help}`
  })
  if (omitted > 0) lines.push(`  and ${omitted} more`)
  return new PolicyError(
    [`invalid CORS policy: ${errors} ${errors === 1 ? 'error' : 'errors'}`, ...lines].join('\n'),
    problems,
    omitted
  )
}

module.exports = { PolicyError, plainProblems, typeName, optionProblem, policyErrorOf }
