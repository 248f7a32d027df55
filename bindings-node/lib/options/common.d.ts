import type { Policy, SharedPolicy } from '../engine/types'

export type { Counters, SafetyException } from '../engine/types'

/** What may stand instead of options: a policy, or one that is replaced while serving. */
export type RequestPolicy = Policy | SharedPolicy

/** An origin, a RegExp that matches the whole of one, or a list of them. */
export type StaticOrigin = string | RegExp | readonly StaticOrigin[]
