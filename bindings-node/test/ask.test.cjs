'use strict'
// Who answers first: functions that answer by callback, by promise and by their value, in every
// order, compared with a model; and what never answers.

const test = require('node:test')
const assert = require('node:assert/strict')
const { askForCallback, askForValue } = require('../lib/answers/ask.cjs')
const { isOriginAnswer } = require('../lib/answers/judge.cjs')

const LIMIT = 1000

// What the function returns, and what that says at which step: 0 while it is called, then after.
const RETURNS = {
  nothing: () => [undefined, null],
  'a timer': () => [{ ref() {} }, null],
  'a number': () => [7, null],
  true: () => [true, { step: 0.5, value: true, plain: true }],
  text: () => ['x', { step: 0.5, value: 'x', plain: true }],
  'a promise of nothing': () => [Promise.resolve(undefined), null],
  'a promise of true': steps => [steps.promise(2, true), { step: 2, value: true }],
  'a promise of an object': steps => [steps.promise(2, {}), null],
  'a promise that rejects': steps => [
    steps.promise(2, undefined, new Error('rejected')),
    { step: 2, failure: 'rejected' }
  ],
  'a thenable that answers twice': steps => [
    {
      then(resolve) {
        steps.at(2, () => {
          resolve(true)
          resolve(false)
        })
      }
    },
    { step: 2, value: true }
  ],
  'a thenable that throws': () => [
    {
      then() {
        throw new Error('thrown')
      }
    },
    { step: 0.75, failure: 'thrown' }
  ],
  'a promise that never settles': () => [new Promise(() => {}), null]
}
const SAYS = [
  [[null, true], { value: true }],
  [[null, false], { value: false }],
  [[null, undefined], { value: undefined }],
  [[], { value: undefined }],
  [[null, {}], { value: {} }],
  [[new Error('refused')], { failure: 'refused' }],
  [['refused', true], { failure: 'refused' }]
]
const CALLBACKS = [[], [0], [1], [3], [0, 0], [0, 3], [1, 3], [3, 3]]

/** Steps of a small clock: each is over when all that it began has settled. */
class Steps {
  #actions = new Map()

  at(step, action) {
    this.#actions.set(step, [...(this.#actions.get(step) ?? []), action])
  }

  promise(step, value, error) {
    return new Promise((resolve, reject) =>
      this.at(step, () => (error === undefined ? resolve(value) : reject(error)))
    )
  }

  async run() {
    for (let step = 0; step <= 3; step += 1) {
      for (const action of this.#actions.get(step) ?? []) action()
      await new Promise(resolve => setImmediate(resolve))
    }
  }
}

const shown = outcome =>
  outcome.failure === undefined ? { value: outcome.value } : { failure: outcome.failure }

for (const namesCallback of [true, false]) {
  test(`the first answer counts; names its callback: ${namesCallback}`, async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let cases = 0
    for (const [name, make] of Object.entries(RETURNS)) {
      for (const times of CALLBACKS) {
        for (const [says, said] of SAYS) {
          const steps = new Steps()
          const [returned, outcome] = make(steps)
          const events = times.map((step, i) => ({
            step,
            // A second call says something else.
            ...(i === 0 ? said : { value: 'second' })
          }))
          if (outcome !== null && !(outcome.plain && namesCallback)) events.push(outcome)
          events.sort((one, other) => one.step - other.step)
          const first = events[0] ?? { failure: `it did not answer within ${LIMIT} ms` }
          const settled = []
          askForCallback(
            callback => {
              times.forEach((step, i) => {
                const call = () => (i === 0 ? callback(...says) : callback(null, 'second'))
                if (step === 0) call()
                else steps.at(step, call)
              })
              return returned
            },
            namesCallback,
            isOriginAnswer,
            LIMIT,
            (failure, value) =>
              settled.push(failure === null ? { value } : { failure: failure.message ?? failure })
          )
          await steps.run()
          t.mock.timers.tick(LIMIT - 1)
          assert.equal(settled.length, events.length === 0 ? 0 : 1)
          t.mock.timers.tick(1)
          await new Promise(resolve => setImmediate(resolve))
          assert.deepEqual(settled, [shown(first)], `${name}, callback at ${times}: ${says}`)
          cases += 1
        }
      }
    }
    assert.equal(cases, Object.keys(RETURNS).length * CALLBACKS.length * SAYS.length)
  })
}

test('a function that throws has failed, unless it has answered', () => {
  for (const thrown of [new Error('thrown'), undefined]) {
    const settled = []
    const settle = (failure, value) => settled.push([failure?.message, value])
    const call = answers => callback => {
      if (answers) callback(null, true)
      throw thrown
    }
    askForCallback(call(false), true, isOriginAnswer, LIMIT, settle)
    askForCallback(call(true), true, isOriginAnswer, LIMIT, settle)
    askForValue(call(false), LIMIT, settle)
    const text = thrown?.message ?? 'it failed, and did not say why'
    assert.deepEqual(settled, [
      [text, undefined],
      [undefined, true],
      [text, undefined]
    ])
  }
})

test('where the value is the answer, undefined is one', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const ask = async call => {
    const settled = []
    askForValue(call, LIMIT, (failure, value) => settled.push(failure?.message ?? value))
    await new Promise(resolve => setImmediate(resolve))
    t.mock.timers.tick(LIMIT)
    await new Promise(resolve => setImmediate(resolve))
    return settled
  }
  assert.deepEqual(await ask(() => undefined), [undefined])
  assert.deepEqual(await ask(async () => undefined), [undefined])
  assert.deepEqual(await ask(async () => true), [true])
  assert.deepEqual(await ask(() => new Promise(() => {})), [`it did not answer within ${LIMIT} ms`])
  assert.deepEqual(await ask(() => ({ then() {} })), [`it did not answer within ${LIMIT} ms`])
  const hostile = {
    get then() {
      throw new Error('looked at')
    }
  }
  assert.deepEqual(await ask(() => hostile), ['looked at'])
})
