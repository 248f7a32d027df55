'use strict'
// Remembers what the engine answered, to answer the like of it without asking. Nothing is decided
// here: the engine says of each decision which values of the request it depends on, and that is
// what the answer is remembered by.
//
// Requests cannot make the tables grow beyond the numbers below. Origins that the policy lists have
// entries of their own. Others share a few, and so do answers to what the policy does not list. In
// a full table an entry that was used again outlives any number of others that were used once.

const { FLAGS, decodeOpen, flagsOf, isOpen } = require('../engine/decode.cjs')
const { collect } = require('../engine/headers.cjs')
const { tables } = require('../engine/native.cjs')
const { answerOf } = require('./answer.cjs')
const { Question } = require('./question.cjs')
const { Ring } = require('./ring.cjs')

const { slots: SLOTS, questions, requestHeaders } = tables()
const { encode: ENCODE, begin: BEGIN, apply: APPLY } = questions
const { dependsOnOrigin, dependsOnAcrm, dependsOnAcrh, dependsOnAcrpn, dependsOnSecFetchSite } =
  FLAGS
const FIELDS =
  dependsOnOrigin | dependsOnAcrm | dependsOnAcrh | dependsOnAcrpn | dependsOnSecFetchSite

// The request headers that the engine reads, in its order.
const [ORIGIN, ACRM, ACRH, ACRPN, SEC_FETCH_SITE] = requestHeaders
// Bits of an index into SLOTS.
const HAS_ACRM = 1
const HAS_ORIGIN = 2
const IS_OPTIONS = 4
/** By the other two bits: whether the presence of ACRM makes another kind of request. */
const ACRM_TELLS = [0, 2, 4, 6].map(group => SLOTS[group] !== SLOTS[group | HAS_ACRM])
const SLOT_COUNT = Math.max(...SLOTS) + 1

const VERDICTS = { none: 0, allow: 1, deny: 2 }

// Comparing with so many origins is faster than hashing one.
const FEW = 8
/** Listed origins remembered beyond those. */
const MANY = 4096
/** Origins remembered that are not listed: matched by a pattern, or refused. */
const UNLISTED = 8
/** Answers remembered for each origin that depend on more than it. */
const PER_ORIGIN = 4
/** Answers remembered, for all origins together, that refuse or echo what was requested. */
const SHARED = 64
/** How long the texts of one may be together. */
const LONGEST = 512

/** An answer, and the values that it depends on. */
class Remembered {
  used = false

  constructor(slot, dependsOn, [origin, acrm, acrh, acrpn, site], encoded, outcome) {
    this.slot = slot
    this.dependsOn = dependsOn
    this.origin = origin
    this.acrm = acrm
    this.acrh = acrh
    this.acrpn = acrpn
    this.site = site
    this.encoded = encoded
    this.outcome = outcome
  }
}

/** Answers that depend on several values. */
class Several extends Ring {
  /** The values that any of them depends on. */
  dependsOn = 0

  /** @returns {Answer | Question | null} */
  find(slot, [origin, acrm, acrh, acrpn, site]) {
    const { items } = this
    for (let i = 0; i < items.length; i += 1) {
      const one = items[i]
      const { dependsOn } = one
      if (
        one.slot === slot &&
        ((dependsOn & dependsOnAcrm) === 0 || one.acrm === acrm) &&
        ((dependsOn & dependsOnAcrh) === 0 || one.acrh === acrh) &&
        ((dependsOn & dependsOnOrigin) === 0 || one.origin === origin) &&
        ((dependsOn & dependsOnAcrpn) === 0 || one.acrpn === acrpn) &&
        ((dependsOn & dependsOnSecFetchSite) === 0 || one.site === site)
      ) {
        one.used = true
        return one.outcome
      }
    }
    return null
  }

  remember(slot, dependsOn, fields, encoded, outcome) {
    // Requests that differ mostly get the same.
    const same = this.items.find(one => one.encoded === encoded)
    this.add(new Remembered(slot, dependsOn, fields, encoded, same?.outcome ?? outcome))
    this.dependsOn |= dependsOn
  }
}

/** The answers to one origin, or to every origin. */
class Entry {
  used = false
  /** By slot: those that depend on nothing but the origin. */
  single = new Array(SLOT_COUNT).fill(null)
  several = new Several(PER_ORIGIN)

  constructor(origin) {
    this.origin = origin
  }
}

/** The answers of one policy. */
class Memo {
  /** By slot: what holds for every request. */
  constant = new Array(SLOT_COUNT).fill(null)
  /** What depends on something, but not on the origin. */
  anyOrigin = new Several(PER_ORIGIN)
  /** The entry that matched last. */
  last = new Entry(undefined)
  few = []
  many = new Map()
  unlisted = new Ring(UNLISTED)
  shared = new Several(SHARED)
  /** By number: answers that are the same for every request that gets them. */
  numbered = new Map()

  /** @param {import('../engine/policy.cjs').Source} source */
  constructor({ ask, requestHeadersLimit: limit }) {
    this.ask = ask
    this.limit = limit ?? Infinity
    // Stands for every list that is too long: short to copy, and the same text every time.
    this.tooLong = limit === null ? '' : '?'.repeat(limit + 1)
  }

  /**
   * The answer, or the question that the application has to answer first.
   * @param headers Node's `req.headers`, or an object with the same properties
   * @returns {Answer | Question}
   */
  begin(method, headers) {
    const { origin } = headers
    let group = method === 'OPTIONS' ? IS_OPTIONS : 0
    if (origin !== undefined) {
      if (typeof origin !== 'string') return this.learn(method, headers)
      group |= HAS_ORIGIN
    }
    if (ACRM_TELLS[group >> 1]) {
      const acrm = headers[ACRM]
      if (acrm !== undefined) {
        if (typeof acrm !== 'string') return this.learn(method, headers)
        group |= HAS_ACRM
      }
    }
    const slot = SLOTS[group]
    const constant = this.constant[slot]
    if (constant !== null) return constant
    const entry = origin === this.last.origin ? this.last : this.find(origin)
    if (entry !== null) {
      const single = entry.single[slot]
      if (single !== null) return single
    }
    return this.findSeveral(entry, slot, origin, headers) ?? this.learn(method, headers)
  }

  /** @returns {Answer | Question | null} */
  findSeveral(entry, slot, origin, headers) {
    let dependsOn = this.shared.dependsOn | this.anyOrigin.dependsOn
    if (entry !== null) dependsOn |= entry.several.dependsOn
    if (dependsOn === 0) return null
    const fields = [
      origin,
      dependsOn & dependsOnAcrm ? headers[ACRM] : undefined,
      dependsOn & dependsOnAcrh ? this.shortened(headers[ACRH]) : undefined,
      dependsOn & dependsOnAcrpn ? headers[ACRPN] : undefined,
      dependsOn & dependsOnSecFetchSite ? headers[SEC_FETCH_SITE] : undefined
    ]
    return (
      (entry === null ? null : entry.several.find(slot, fields)) ??
      this.anyOrigin.find(slot, fields) ??
      this.shared.find(slot, fields)
    )
  }

  shortened(acrh) {
    return typeof acrh === 'string' && acrh.length > this.limit ? this.tooLong : acrh
  }

  /** @returns {Entry | null} */
  find(origin) {
    const { few } = this
    for (let i = 0; i < few.length; i += 1) {
      if (few[i].origin === origin) {
        this.last = few[i]
        return this.last
      }
    }
    const entry = few.length < FEW ? undefined : this.many.get(origin)
    if (entry !== undefined) {
      this.last = entry
      return entry
    }
    const { items } = this.unlisted
    for (let i = 0; i < items.length; i += 1) {
      if (items[i].origin === origin) {
        this.last = items[i]
        this.last.used = true
        return this.last
      }
    }
    return null
  }

  /** Asks the engine, and remembers what it said. */
  learn(method, headers) {
    let fields = [
      headers[ORIGIN],
      headers[ACRM],
      headers[ACRH],
      headers[ACRPN],
      headers[SEC_FETCH_SITE]
    ]
    // Node joins the lines of a repeated field; a server that does not has them as a list.
    if (!fields.every(isSingle)) fields = collect(headers)
    fields[2] = this.shortened(fields[2])
    const encoded = this.ask(BEGIN, VERDICTS.none, method, ...fields)
    const flags = typeof encoded === 'number' ? encoded : flagsOfOutcome(encoded)
    const dependsOn = flags & FIELDS
    const relevant = fields.map((field, i) => (dependsOn & (1 << i) ? field : presence(field)))
    const outcome = this.outcome(encoded, method, relevant)
    if (relevant.every(isSingle)) this.remember(flags, method, relevant, encoded, outcome)
    return outcome
  }

  outcome(encoded, method, fields) {
    const applying = verdict => lines => this.ask(APPLY, verdict, method, ...fields, lines)
    if (typeof encoded === 'number') {
      const number = encoded >>> FLAGS.bits
      let answer = this.numbered.get(number)
      if (answer === undefined) {
        const text = this.ask(ENCODE, VERDICTS.none, method, ...fields)
        answer = answerOf(text, applying(VERDICTS.none))
        this.numbered.set(number, answer)
      }
      return answer
    }
    if (!isOpen(encoded)) return answerOf(encoded, applying(VERDICTS.none))
    return new Question(encoded, isAllowed => applying(isAllowed ? VERDICTS.allow : VERDICTS.deny))
  }

  remember(flags, method, fields, encoded, outcome) {
    const dependsOn = flags & FIELDS
    const [origin, acrm] = fields
    const slot =
      SLOTS[
        (method === 'OPTIONS' ? IS_OPTIONS : 0) |
          (origin === undefined ? 0 : HAS_ORIGIN) |
          (acrm === undefined ? 0 : HAS_ACRM)
      ]
    if (dependsOn === 0) {
      this.constant[slot] = outcome
      return
    }
    const texts = fields.filter(field => field !== undefined && field !== this.tooLong)
    const isShort = texts.reduce((length, text) => length + text.length, 0) <= LONGEST
    // White space around a value does not count, so a listed origin may come in many texts.
    const isListed = (flags & FLAGS.originIsListed) !== 0 && outcome.allowOrigin === origin
    if (dependsOn === dependsOnOrigin) {
      const entry = isListed || isShort ? this.entry(origin, isListed) : null
      if (entry !== null) entry.single[slot] = outcome
    } else if (isShort) {
      const several =
        flags & FLAGS.echoes || (isListed && outcome.allowed === false)
          ? this.shared
          : dependsOn & dependsOnOrigin
            ? this.entry(origin, isListed).several
            : this.anyOrigin
      several.remember(slot, dependsOn, fields, encoded, outcome)
    }
  }

  /** The entry of an origin, a new one if there is none. */
  entry(origin, isListed) {
    let entry = this.find(origin)
    if (entry !== null) return entry
    entry = new Entry(origin)
    if (isListed && this.few.length < FEW) this.few.push(entry)
    else if (isListed && this.many.size < MANY) this.many.set(origin, entry)
    else this.unlisted.add(entry)
    return entry
  }
}

const isSingle = field => field === undefined || typeof field === 'string'

/** What stands for a value on which only the kind of the request depends, by its presence. */
const presence = field => (field === undefined ? undefined : '')

/** The flags of an encoded decision, or of both decisions of an open evaluation. */
function flagsOfOutcome(encoded) {
  if (!isOpen(encoded)) return flagsOf(encoded)
  const { allowed, denied } = decodeOpen(encoded)
  return flagsOf(allowed) | flagsOf(denied)
}

module.exports = { Memo }
