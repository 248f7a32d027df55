'use strict'
// Answers again what the engine has answered before, without asking it. Nothing is decided here: an
// answer is found by the very texts that it was given for. Nothing that strangers send makes a
// table grow beyond what is said here: entries are made for the policy's own origins only, each
// with a few preflights of bounded length; answers that repeat what was requested are in one small
// table for all origins; and of what the engine refused a few are kept apart. A stream of
// preflights that each come once pushes out none that was used again.

const { answerOf } = require('./answer.cjs')
const { collect } = require('./headers.cjs')
const { alphabet } = require('./native.cjs')
const { isOriginOwned, isPolicyOwned, repeatsRequested } = require('./spelled.cjs')
const { verdictNumber } = require('./verdict.cjs')

// What is asked of a policy's native function.
const { spell: SPELL, number: NUMBER, apply: APPLY } = alphabet().questions

// Comparing with so many origins is faster than hashing one.
const FEW = 8
// Origins kept beyond those, and answers kept by their spelling.
const MANY = 4096
const SPELLED = 1024
// Origins that are known to be refused: a site that another one calls by mistake, or the server's
// own.
const REFUSED = 8
// Preflights kept for each origin, those of all origins whose answer repeats what was requested,
// and how long the texts of one may be together.
const PREFLIGHTS = 4
const REPEATING = 64
const PREFLIGHT_LENGTH = 512

/**
 * Accepted preflights, so many. One that was used again is replaced only once all have been (NRU).
 */
class Preflights {
  constructor(most) {
    this.most = most
    this.kept = []
    this.hand = 0
  }

  /** `origin`: null where all are of one. @returns {Answer | null} */
  find(origin, method, names, network) {
    const { kept } = this
    for (let i = 0; i < kept.length; i += 1) {
      const one = kept[i]
      if (
        one.method === method &&
        one.names === names &&
        one.network === network &&
        one.origin === origin
      ) {
        one.used = true
        return one.answer
      }
    }
    return null
  }

  keep(origin, method, names, network, answer, told) {
    const { kept, most } = this
    // However they were asked for: what is answered is mostly the same.
    const same = kept.find(one => one.told === told)
    const one = {
      origin,
      method,
      names,
      network,
      answer: same?.answer ?? answer,
      told: same?.told ?? told,
      used: false
    }
    if (kept.length < most) {
      kept.push(one)
      return
    }
    if (kept.every(({ used }) => used)) for (const other of kept) other.used = false
    while (kept[this.hand].used) this.hand = (this.hand + 1) % most
    kept[this.hand] = one
    this.hand = (this.hand + 1) % most
  }
}

/** An accepted origin and what it is answered. */
class Entry {
  constructor(origin) {
    this.origin = origin
    /** @type {Answer | null} for any method but OPTIONS */
    this.actual = null
    /** @type {Answer | null} for an OPTIONS that is no preflight */
    this.options = null
    this.preflights = new Preflights(PREFLIGHTS)
  }
}

/** The answers of one policy under one verdict. */
class FastPath {
  /**
   * @param ask the policy's native function
   * @param {number} verdict
   * @param {number | null} limit longer lists of requested names get one and the same answer
   */
  constructor(ask, verdict, limit) {
    this.ask = ask
    this.verdict = verdict
    this.limit = limit ?? Infinity
    // Stands for every list that is too long: short to copy, and the same text every time.
    this.tooLong = limit === null ? '' : '?'.repeat(limit + 1)
    /** The answers without an Origin. */
    this.plain = null
    this.plainOptions = null
    /** The entry of every origin, if the policy does not look at it. */
    this.any = null
    /** The entry that matched last. */
    this.last = new Entry(undefined)
    this.few = []
    this.many = new Map()
    this.repeating = new Preflights(REPEATING)
    /**
     * The origins that were refused last: few, and apart, so that whoever sends them pushes out
     * nothing but their like.
     */
    this.refused = []
    this.hand = 0
    /** Answers of the policy's own text, by number and by spelling. */
    this.numbered = []
    this.spelled = new Map()
  }

  answer(method, headers) {
    const { origin } = headers
    if (origin === undefined)
      return (method === 'OPTIONS' ? this.plainOptions : this.plain) ?? this.learn(method, headers)
    const entry = this.any ?? (origin === this.last.origin ? this.last : this.find(origin))
    if (entry === null)
      return (
        (method === 'OPTIONS' ? null : this.findRefused(origin, headers['sec-fetch-site'])) ??
        this.learn(method, headers)
      )
    if (method !== 'OPTIONS') return entry.actual ?? this.learn(method, headers)
    const requested = headers['access-control-request-method']
    if (requested === undefined) return entry.options ?? this.learn(method, headers)
    let names = headers['access-control-request-headers']
    if (names !== undefined && names.length > this.limit && typeof names === 'string')
      names = this.tooLong
    const network = headers['access-control-request-private-network']
    return (
      entry.preflights.find(null, requested, names, network) ??
      this.repeating.find(entry.origin, requested, names, network) ??
      this.learn(method, headers)
    )
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
    if (few.length < FEW) return null
    const entry = this.many.get(origin)
    if (entry === undefined) return null
    this.last = entry
    return entry
  }

  /** @returns {Answer | null} */
  findRefused(origin, site) {
    const { refused } = this
    for (let i = 0; i < refused.length; i += 1)
      if (refused[i].origin === origin && refused[i].site === site) return refused[i].answer
    return null
  }

  /** Asks the engine, and keeps what it accepted. */
  learn(method, headers) {
    let {
      origin,
      'access-control-request-method': requested,
      'access-control-request-headers': names,
      'access-control-request-private-network': network,
      'sec-fetch-site': site
    } = headers
    if (!(
      isSingle(origin) &&
      isSingle(requested) &&
      isSingle(names) &&
      isSingle(network) &&
      isSingle(site)
    )) {
      // Node joins the lines of a repeated field; a host that does not has them as a list.
      ;[origin, requested, names, network, site] = collect(headers)
    }
    if (typeof names === 'string' && names.length > this.limit) names = this.tooLong
    const told = this.ask(NUMBER, this.verdict, method, origin, requested, names, network, site)
    let answer
    let owned = true
    if (typeof told === 'number') {
      answer = this.numbered[told] ??= answerOf(
        this.ask(SPELL, this.verdict, method, origin, requested, names, network, site),
        this.applying(method, origin, requested, names, network, site)
      )
    } else {
      answer = this.keepSpelled(
        told,
        this.applying(method, origin, requested, names, network, site)
      )
      owned = isOriginOwned(told)
    }
    const isOptions = method === 'OPTIONS'
    if (origin === undefined) {
      if (isOptions) this.plainOptions = answer
      else this.plain = answer
    } else if (typeof origin === 'string' && answer.allowed !== false) {
      const entry = this.entry(origin, answer, owned)
      if (!isOptions) entry.actual = answer
      else if (requested === undefined) entry.options = answer
      else if (areShort(origin, requested, names === this.tooLong ? undefined : names, network)) {
        if (typeof told === 'string' && repeatsRequested(told))
          this.repeating.keep(entry.origin, requested, names, network, answer, told)
        else entry.preflights.keep(null, requested, names, network, answer, told)
      }
    } else if (!isOptions && areShort(origin, site)) {
      this.refused[this.hand] = { origin, site, answer }
      this.hand = (this.hand + 1) % REFUSED
    } else if (
      names === this.tooLong &&
      answer.reason === 'header_list_too_long' &&
      areShort(origin, requested, network)
    ) {
      // The origin and the method passed, and the list that stands for all of its kind is no text
      // of the request's.
      this.entry(origin, answer, owned).preflights.keep(
        null,
        requested,
        names,
        network,
        answer,
        told
      )
    }
    return answer
  }

  /** Carries out the decision on what was asked. */
  applying(...question) {
    return lines => this.ask(APPLY, this.verdict, ...question, lines)
  }

  keepSpelled(spelled, apply) {
    const kept = this.spelled.get(spelled)
    if (kept !== undefined) return kept
    const answer = answerOf(spelled, apply)
    if (isPolicyOwned(spelled) && this.spelled.size < SPELLED) this.spelled.set(spelled, answer)
    return answer
  }

  /**
   * The entry of an accepted origin: kept if it is, to the letter, one of the policy's own, or else
   * until the next.
   */
  entry(origin, answer, owned) {
    if (answer.reason === 'allowed_any') {
      this.any ??= new Entry(undefined)
      return this.any
    }
    if (origin === this.last.origin) return this.last
    let entry = this.find(origin)
    if (entry === null) {
      entry = new Entry(origin)
      if (owned && answer.allowOrigin === origin) {
        if (this.few.length < FEW) this.few.push(entry)
        else if (this.many.size < MANY) this.many.set(origin, entry)
      }
    }
    this.last = entry
    return entry
  }
}

const isSingle = field => field === undefined || typeof field === 'string'
/** Whether each is one text or absent, and all together are not long. */
function areShort(...fields) {
  return (
    fields.every(isSingle) &&
    fields.reduce((length, field) => length + (field?.length ?? 0), 0) <= PREFLIGHT_LENGTH
  )
}

/** What answers for a policy: a fast path for each verdict. */
class Answers {
  /**
   * `readsNames`: whether a response may hold requested names, so that they have to be read;
   * `readsSite`: the same for Sec-Fetch-Site, which exempts from being rejected.
   */
  constructor(ask, limit, readsNames, readsSite) {
    this.ask = ask
    this.limit = limit
    this.readsNames = readsNames
    this.readsSite = readsSite
    this.without = new FastPath(ask, 0, limit)
    this.under = [this.without, null, null]
  }

  answer(method, headers, verdict) {
    if (verdict === undefined) return this.without.answer(method, headers)
    const number = verdictNumber(verdict)
    this.under[number] ??= new FastPath(this.ask, number, this.limit)
    return this.under[number].answer(method, headers)
  }
}

module.exports = { Answers }
