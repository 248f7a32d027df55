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
/** No answer for any slot. */
const NONE = new Array(Math.max(...SLOTS) + 1).fill(null)

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

  constructor(slot, dependsOn, fields, encoded, outcome) {
    const [origin, acrm, acrh, acrpn, site] = relevant(fields, dependsOn)
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
  find(slot, origin, acrm, acrh, acrpn, site) {
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
  single = NONE.slice()
  /** Those that depend on more; null if there are none. */
  several = null

  constructor(origin) {
    this.origin = origin
  }
}

/** The answers of one policy. */
class Memo {
  /** By slot: what holds for every request. */
  constant = NONE.slice()
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
    const several = entry === null ? null : entry.several
    let dependsOn = this.shared.dependsOn | this.anyOrigin.dependsOn
    if (several !== null) dependsOn |= several.dependsOn
    if (dependsOn === 0) return null
    const acrm = dependsOn & dependsOnAcrm ? headers[ACRM] : undefined
    const acrh = dependsOn & dependsOnAcrh ? this.shortened(headers[ACRH]) : undefined
    const acrpn = dependsOn & dependsOnAcrpn ? headers[ACRPN] : undefined
    const site = dependsOn & dependsOnSecFetchSite ? headers[SEC_FETCH_SITE] : undefined
    return (
      (several === null ? null : several.find(slot, origin, acrm, acrh, acrpn, site)) ??
      this.anyOrigin.find(slot, origin, acrm, acrh, acrpn, site) ??
      this.shared.find(slot, origin, acrm, acrh, acrpn, site)
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
    if (!areSingle(fields, FIELDS)) fields = collect(headers)
    fields[2] = this.shortened(fields[2])
    const [origin, acrm, acrh, acrpn, site] = fields
    const encoded = this.ask(BEGIN, VERDICTS.none, method, origin, acrm, acrh, acrpn, site)
    const flags = typeof encoded === 'number' ? encoded : flagsOfOutcome(encoded)
    const outcome = this.outcome(encoded, flags, method, fields)
    if (areSingle(fields, flags & FIELDS)) this.remember(flags, method, fields, encoded, outcome)
    return outcome
  }

  /** The answer or question that the engine encoded. */
  outcome(encoded, flags, method, fields) {
    const number = typeof encoded === 'number' ? encoded >>> FLAGS.bits : null
    const known = number === null ? undefined : this.numbered.get(number)
    if (known !== undefined) return known
    // Only what the decision depends on is held on to.
    const question = [method, ...relevant(fields, flags & FIELDS)]
    const applying = verdict => lines => this.ask(APPLY, verdict, ...question, lines)
    if (number !== null) {
      const text = this.ask(ENCODE, VERDICTS.none, ...question)
      const answer = answerOf(text, applying(VERDICTS.none))
      this.numbered.set(number, answer)
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
    const isShort = this.lengthOf(fields, dependsOn) <= LONGEST
    // White space around a value does not count, so a listed origin may come in many texts.
    const isListed = (flags & FLAGS.originIsListed) !== 0 && outcome.allowOrigin === origin
    if (dependsOn === dependsOnOrigin) {
      if (isListed || isShort) this.entry(origin, isListed).single[slot] = outcome
    } else if (isShort) {
      this.several(flags, isListed, origin, outcome).remember(
        slot,
        dependsOn,
        fields,
        encoded,
        outcome
      )
    }
  }

  /** The table for an answer that depends on several values. */
  several(flags, isListed, origin, outcome) {
    if ((flags & FLAGS.echoes) !== 0 || (isListed && outcome.allowed === false)) return this.shared
    if ((flags & dependsOnOrigin) === 0) return this.anyOrigin
    const entry = this.entry(origin, isListed)
    entry.several ??= new Several(PER_ORIGIN)
    return entry.several
  }

  /** The length of the texts that a decision depends on. */
  lengthOf(fields, dependsOn) {
    let length = 0
    for (let i = 0; i < fields.length; i += 1) {
      const field = fields[i]
      if (dependsOn & (1 << i) && field !== undefined && field !== this.tooLong)
        length += field.length
    }
    return length
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

/** Whether each of these fields is absent or one text. */
function areSingle(fields, which) {
  for (let i = 0; i < fields.length; i += 1) {
    const field = fields[i]
    if (which & (1 << i) && field !== undefined && typeof field !== 'string') return false
  }
  return true
}

/** The fields that a decision depends on; of others whether they are there, as kinds may need. */
const relevant = (fields, dependsOn) =>
  fields.map((field, i) => (dependsOn & (1 << i) ? field : field === undefined ? undefined : ''))

/** The flags of an encoded decision, or of both decisions of an open evaluation. */
function flagsOfOutcome(encoded) {
  if (!isOpen(encoded)) return flagsOf(encoded)
  const { allowed, denied } = decodeOpen(encoded)
  return flagsOf(allowed) | flagsOf(denied)
}

module.exports = { Memo }
